import { DEFAULT_EVENT_LIMITS, type EventDefaults, type NormalisedEvent, normaliseEvent, type ValidationIssue } from '../core/event.ts';
import { naiveDateText } from '../core/json.ts';
import type { EventImport, ImportedEvent, SourceEvent } from '../ports/event-import.ts';

export interface ImportCounts {
  stored: number;
  duplicate: number;
  conflict: number;
  invalid: number;
}
/** An event that was not taken, and why. */
export interface Refused {
  place: string;
  reason: string;
  json: string | null;
}
export interface ImportOptions {
  events: AsyncIterable<SourceEvent>;
  target: EventImport;
  /** Offset of times without a zone. */
  naiveOffsetMinutes: EventDefaults['naiveOffsetMinutes'];
  onRefused(refused: Refused): void;
  onCounts(counts: ImportCounts): void;
}

const BATCH = 1_000;
const BATCH_CHARACTERS = 8_000_000;
/** History is taken as it is: what other servers took need not be what this one would take today. */
const LIMITS = { ...DEFAULT_EVENT_LIMITS, allowCustomTypes: true, allowAnySourceIds: true };

/** Stores the events of a file, a batch after the other. Handlers do not run on them: what happened long ago must not send mails today. */
export async function importEvents({ events, target, naiveOffsetMinutes, onRefused, onCounts }: ImportOptions): Promise<ImportCounts> {
  const counts: ImportCounts = { stored: 0, duplicate: 0, conflict: 0, invalid: 0 };
  let batch: { event: ImportedEvent; source: SourceEvent }[] = [];
  let characters = 0;

  const refuse = (kind: 'invalid' | 'conflict', { place, json }: SourceEvent, reason: string): void => {
    counts[kind]++;
    onRefused({ place, reason, json });
  };
  const flush = async (): Promise<void> => {
    const results = await target.put(batch.map(({ event }) => event));
    for (const [n, { source, event }] of batch.entries()) {
      const result = results[n] ?? { refused: 'there was no answer' };
      if (typeof result === 'object') refuse('invalid', source, result.refused);
      else if (result === 'conflict')
        refuse('conflict', source, `the id ${event.id.slice(0, 100)} is taken by an event that says something else`);
      else counts[result]++;
    }
    [batch, characters] = [[], 0];
    onCounts(counts);
  };

  for await (const source of events) {
    const read = readSource(source, naiveOffsetMinutes);
    if (typeof read === 'string') {
      refuse('invalid', source, read);
      continue;
    }
    batch.push({ event: read, source });
    characters += read.json.length;
    if (batch.length >= BATCH || characters >= BATCH_CHARACTERS) await flush();
  }
  if (batch.length > 0) await flush();
  onCounts(counts);
  return counts;
}

/** The event, or why it is none. */
function readSource(source: SourceEvent, naiveOffsetMinutes: EventDefaults['naiveOffsetMinutes']): ImportedEvent | string {
  if (source.json === null) return source.fault ?? 'it cannot be read';
  // What a server would fill in would be something else at each import.
  const defaults: EventDefaults = { newId: () => '', nowText: () => '', nowUs: () => 0, managerId: '', naiveOffsetMinutes };
  const result = normaliseEvent(source.json, defaults, LIMITS);
  if (!result.ok) return result.issues.map(issueText).join('; ');
  const absent = absentMember(result.event);
  if (absent !== null) return `${absent} is missing`;
  const { archivedAtMs = archiveDate(result.event), bson } = source;
  return { ...result.event, cause: null, archivedAtMs: result.event.archived ? archivedAtMs : null, bson };
}

/** The server archives to the millisecond and without a zone (M29): such a text is taken for its date. */
function archiveDate({ archivedAt }: NormalisedEvent): number | null {
  if (archivedAt === null) return null;
  const ms = Date.parse(`${archivedAt}Z`);
  return !Number.isNaN(ms) && naiveDateText(new Date(ms)) === archivedAt ? ms : null;
}

const issueText = ({ loc, msg }: ValidationIssue): string => (loc.length === 0 ? msg : `${loc.join('.')}: ${msg}`);

function absentMember({ defaulted }: NormalisedEvent): string | null {
  if (defaulted.id) return '_id';
  if (defaulted.timestamp) return 'event_timestamp';
  return defaulted.source ? 'source' : null;
}
