import { EngineError } from '../core/errors.ts';
import { type EventDefaults, type EventLimits, type NormalisedEvent, normaliseEvent, type ValidationIssue } from '../core/event.ts';
import type { AppendResult, EventStore } from '../ports/event-store.ts';
import type { Dispatcher } from './dispatch.ts';
import type { EventPlanner, PlannedEvent } from './plan-events.ts';

/** One item of a batch: its place, the id it got or named, and what became of it. */
export interface ItemResult {
  index: number;
  id: string | null;
  result: 'stored' | 'duplicate' | 'conflict' | 'invalid';
  issues?: readonly ValidationIssue[];
}
export type IngestOne =
  | { ok: true; json: string; result: 'stored' | 'duplicate' | 'conflict' }
  | { ok: false; kind: 'syntax' | 'shape' | 'limit'; issues: readonly ValidationIssue[] };

/** Takes events in: normalised, matched, and committed together with their executions before the answer resolves. */
export interface Ingest {
  /** POST /event: one JSON text (M1). Answers the event as submitted, also when its id is taken (M3). */
  one(text: string): Promise<IngestOne>;
  /** Several JSON texts in one commit, each with its own result; a bad one does not hold the others back. `firstIndex` numbers the results. */
  many(texts: readonly string[], firstIndex: number): Promise<ItemResult[]>;
}

export interface IngestOptions {
  events: Pick<EventStore, 'append'>;
  planEvent: EventPlanner;
  dispatcher: Pick<Dispatcher, 'admit' | 'abandon'>;
  defaults: EventDefaults;
  limits: EventLimits;
  /** True once a stop has begun. */
  stopping(): boolean;
}

export function ingest(options: IngestOptions): Ingest {
  const { defaults, limits } = options;
  return {
    async one(text) {
      refuseWhenStopping(options);
      const normalised = normaliseEvent(text, defaults, limits);
      if (!normalised.ok) return normalised;
      const [result] = await append(options, [normalised.event]);
      return { ok: true, json: normalised.event.json, result: (result as AppendResult).kind };
    },

    async many(texts, firstIndex) {
      refuseWhenStopping(options);
      const results: ItemResult[] = [];
      const accepted: NormalisedEvent[] = [];
      const places: number[] = [];
      for (const [place, text] of texts.entries()) {
        const normalised = normaliseEvent(text, defaults, limits);
        if (!normalised.ok) {
          results[place] = { index: firstIndex + place, id: null, result: 'invalid', issues: normalised.issues };
          continue;
        }
        accepted.push(normalised.event);
        places.push(place);
      }
      const stored = accepted.length === 0 ? [] : await append(options, accepted);
      for (const [n, place] of places.entries())
        results[place] = { index: firstIndex + place, id: (accepted[n] as NormalisedEvent).id, result: (stored[n] as AppendResult).kind };
      return results;
    },
  };
}

function refuseWhenStopping({ stopping }: IngestOptions): void {
  if (stopping()) throw new EngineError('shutting_down', 'The server is stopping.');
}

/** Matches, commits and hands the executions on. When the commit fails, nothing of the events exists and their places are given back. */
async function append({ events, planEvent, dispatcher }: IngestOptions, accepted: readonly NormalisedEvent[]): Promise<AppendResult[]> {
  const planned = accepted.map((event) => planEvent(event, null));
  let results: AppendResult[];
  try {
    results = await events.append(planned.map(({ submission }) => submission));
  } catch (error) {
    for (const { submission } of planned) dispatcher.abandon(submission.executions);
    throw error;
  }
  for (const [index, result] of results.entries()) {
    const { submission, subject } = planned[index] as PlannedEvent;
    if (submission.executions.length === 0) continue;
    if (result.kind === 'stored') dispatcher.admit(subject, submission.executions, result.refs);
    else dispatcher.abandon(submission.executions);
  }
  return results;
}
