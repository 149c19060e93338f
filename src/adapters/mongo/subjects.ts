import { readEvent } from './bson-read.ts';
import type { Collections } from './connect.ts';
import type { ExecutionDocument } from './documents.ts';

/** What an execution runs on. */
export interface SubjectText {
  input: string;
  tags: readonly string[] | null;
  root: string;
  depth: number;
}
type Of = Pick<ExecutionDocument, 'subject' | 'fired'>;

/** The events and firings of executions; one that was purged is missing. */
export async function subjectsOf(all: Collections, executions: readonly Of[]): Promise<(of: Of) => SubjectText | undefined> {
  const ids = (fired: boolean): string[] => [...new Set(executions.filter((one) => one.fired === fired).map(({ subject }) => subject))];
  const [events, firings] = await Promise.all([eventTexts(all, ids(false)), firingTexts(all, ids(true))]);
  return ({ subject, fired }) => (fired ? firings : events).get(subject);
}

async function eventTexts({ events }: Collections, ids: string[]): Promise<Map<string, SubjectText>> {
  const texts = new Map<string, SubjectText>();
  if (ids.length === 0) return texts;
  for await (const bytes of events.find({ _id: { $in: ids } }, { raw: true })) {
    const { id, json, hidden } = readEvent(bytes as unknown as Buffer);
    texts.set(id, { input: json, tags: null, root: hidden?.root ?? id, depth: hidden?.depth ?? 0 });
  }
  return texts;
}

async function firingTexts({ firings }: Collections, ids: string[]): Promise<Map<string, SubjectText>> {
  const texts = new Map<string, SubjectText>();
  if (ids.length === 0) return texts;
  for (const { _id, payload, tags, root, depth } of await firings.find({ _id: { $in: ids } }).toArray())
    texts.set(_id, { input: payload, tags, root: root ?? _id, depth });
  return texts;
}
