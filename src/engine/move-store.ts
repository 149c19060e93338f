import { decideMove, type MoveMark, type Reached } from '../core/move.ts';
import { type MovableStore, RECORD_KINDS, type RecordKind, type Records } from '../ports/movable.ts';

export interface MoveParts {
  source: MovableStore;
  target: MovableStore;
  /** Throws away what an unfinished move has left in the target. */
  startOver: boolean;
  newId(): string;
  now(): number;
  /** A SHA-256 that texts are added to. */
  digest(): Digest;
  report(progress: MoveProgress): void;
  signal: AbortSignal;
}
export interface Digest {
  update(text: string): unknown;
  digest(encoding: 'hex'): string;
}
/** `total` counts records as they were at the beginning. */
export interface MoveProgress {
  step: 'copy' | 'check';
  kind: RecordKind;
  done: number;
  total: number;
}
export interface MovedKind {
  kind: RecordKind;
  count: number;
  sha256: string;
}
export type MoveResult = { kind: 'moved'; kinds: MovedKind[]; continued: boolean } | { kind: 'done_before'; at: number };

/** Said to whoever asked for a move that cannot be, or that did not end well. */
export class MoveRefused extends Error {
  override readonly name = 'MoveRefused';
}

/**
 * Copies everything, a batch at a time, and notes with each how far it came; then reads both sides again and compares. The source is not
 * changed but for its mark. It is marked as moved before the target is released: so at no moment may servers start on both.
 */
export async function moveStore(parts: MoveParts): Promise<MoveResult> {
  const { source, target, startOver, now } = parts;
  const decision = decideMove({
    source: { place: source.place, mark: await source.mark() },
    target: { place: target.place, mark: await target.mark(), content: await contentOf(target) },
    startOver,
  });
  if (decision.kind === 'refuse') throw new MoveRefused(decision.why);
  if (decision.kind === 'done') return { kind: 'done_before', at: decision.at };
  const id = decision.kind === 'continue' ? decision.id : parts.newId();
  const marks = marksOf(id, parts);
  if (decision.kind === 'begin') await mark(parts, marks);
  // What is there without a note of how far it came is a part of a first batch, or of what was being cleared away.
  if (decision.kind === 'continue' ? decision.reached === null : decision.clearFirst) await target.clear();
  await copy(parts, decision.kind === 'continue' ? decision.reached : null, (reached) => ({ ...marks.target('filling'), reached }));
  await target.complete();
  const kinds = await compare(parts);
  await source.setMark({ ...marks.source('moved'), at: now() });
  await target.setMark({ ...marks.target('filled'), at: now() });
  return { kind: 'moved', kinds, continued: decision.kind === 'continue' };
}

/** A server that was starting meanwhile did not see the marks: then they are taken back. */
async function mark({ source, target }: MoveParts, marks: ReturnType<typeof marksOf>): Promise<void> {
  const before = [await source.mark(), await target.mark()] as const;
  await source.setMark(marks.source('moving'));
  await target.setMark(marks.target('filling'));
  try {
    await source.checkAlone();
    await target.checkAlone();
  } catch (error) {
    await target.setMark(before[1]);
    await source.setMark(before[0]);
    throw error;
  }
}

function marksOf(id: string, { source, target, now }: MoveParts) {
  const at = now();
  return {
    source: (state: 'moving' | 'moved'): MoveMark => ({ id, state, other: target.place, at }),
    target: (state: 'filling' | 'filled'): MoveMark => ({ id, state, other: source.place, at }),
  };
}

/** What is in a store, for people; null when nothing is. */
async function contentOf(store: MovableStore): Promise<string | null> {
  const found: string[] = [];
  for (const kind of RECORD_KINDS) {
    const count = await store.count(kind);
    if (count > 0) found.push(`${NAMES[kind]}: ${count}`);
  }
  return found.length === 0 ? null : found.join(', ');
}

/** The kinds as people know them. */
export const NAMES: Readonly<Record<RecordKind, string>> = {
  settings: 'kept settings',
  keys: 'keys',
  counters: 'counters',
  handlers: 'handlers',
  versions: 'earlier versions',
  state: 'values of state',
  schedules: 'schedules',
  events: 'events',
  firings: 'firings',
  executions: 'executions',
  deliveries: 'deliveries',
  alertPairs: 'alerts that were seen',
};

async function copy(parts: MoveParts, reached: Reached | null, markAt: (reached: Reached) => MoveMark): Promise<void> {
  const first = RECORD_KINDS.findIndex((kind) => reached === null || kind === reached.kind);
  for (const kind of RECORD_KINDS.slice(first)) await copyKind(parts, kind, kind === reached?.kind ? reached : null, markAt);
}

/** Reads the next batch while the last one is written. */
async function copyKind<K extends RecordKind>(
  { source, target, report, signal }: MoveParts,
  kind: K,
  reached: Reached | null,
  markAt: (reached: Reached) => MoveMark,
): Promise<void> {
  const total = await source.count(kind);
  let count = reached?.count ?? 0;
  let writing: Promise<void> = Promise.resolve();
  report({ step: 'copy', kind, done: count, total });
  try {
    for await (const { records, after } of source.read(kind, reached?.after ?? null)) {
      await writing;
      signal.throwIfAborted();
      report({ step: 'copy', kind, done: count, total });
      count += records.length;
      writing = target.write(kind, records, markAt({ kind, after, count }));
      writing.catch(() => {}); // it is awaited before the next one
    }
  } finally {
    await writing;
  }
  report({ step: 'copy', kind, done: count, total });
}

async function compare({ source, target, digest, report, signal }: MoveParts): Promise<MovedKind[]> {
  const kinds: MovedKind[] = [];
  for (const kind of RECORD_KINDS) {
    const total = await source.count(kind);
    const progress = (done: number): void => report({ step: 'check', kind, done, total });
    const [here, there] = await Promise.all([
      checksum(source, kind, { digest, signal, progress }),
      checksum(target, kind, { digest, signal, progress: () => {} }),
    ]);
    if (here.count !== there.count || here.sha256 !== there.sha256) throw new MoveRefused(differ(kind, here, there));
    kinds.push({ kind, ...here });
  }
  return kinds;
}

function differ(kind: RecordKind, here: { count: number }, there: { count: number }): string {
  const what =
    here.count === there.count
      ? `${here.count} ${NAMES[kind]} differ in content or order`
      : `${here.count} ${NAMES[kind]} are in the source and ${there.count} in the target`;
  return (
    `The two stores differ after the move: ${what}. Something changed the source meanwhile (a server, the expiry of archived events, or a person). ` +
    'Nothing was switched over. Stop what writes there, then run the same command with --start-over.'
  );
}

interface Counted {
  digest(): Digest;
  signal: AbortSignal;
  progress(done: number): void;
}

/** Over the records in their order, each as a line of JSON with its members by name. */
async function checksum<K extends RecordKind>(
  store: MovableStore,
  kind: K,
  { digest, signal, progress }: Counted,
): Promise<{ count: number; sha256: string }> {
  const sum = digest();
  let names: (keyof Records[K])[] | null = null;
  let count = 0;
  for await (const { records } of store.read(kind, null)) {
    signal.throwIfAborted();
    for (const record of records) {
      names ??= (Object.keys(record) as (keyof Records[K])[]).sort();
      sum.update(`${JSON.stringify(names.map((name) => record[name]))}\n`);
    }
    count += records.length;
    progress(count);
  }
  return { count, sha256: sum.digest('hex') };
}
