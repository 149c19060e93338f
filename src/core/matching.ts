/** Which handlers a firing reaches (B8): decided once, when it happens, at a cost that does not grow with the handlers it misses. */
import { Bucket } from './match-bucket.ts';
import { type Entry, type Firing, type Matchable, Probe } from './match-probe.ts';

export type { Firing, Matchable } from './match-probe.ts';

/** The handlers of one hook. */
interface HookIndex<H extends Matchable> {
  readonly untagged: Bucket<H>;
  readonly byTag: Map<string, Bucket<H>>;
  size: number;
  filtered: number;
}

/** The handlers that may run now, found by hook, then by tag, then by what their filter requires. */
export class HandlerIndex<H extends Matchable> {
  readonly #hooks = new Map<string, HookIndex<H>>();
  readonly #entries = new Map<number, Entry<H>>();
  #serial = 0;

  /** Puts a handler in, in place of the one with its id. */
  set(handler: H): void {
    this.remove(handler.id);
    const entry: Entry<H> = { handler, seenBy: 0 };
    this.#entries.set(handler.id, entry);
    const index = this.#hookIndex(handler.hook);
    index.size++;
    if (handler.matches !== null) index.filtered++;
    if (handler.tags.length === 0) index.untagged.add(entry);
    for (const tag of new Set(handler.tags)) index.byTag.getOrInsertComputed(tag, () => new Bucket()).add(entry);
  }

  remove(id: number): void {
    const handler = this.#entries.get(id)?.handler;
    const index = handler && this.#hooks.get(handler.hook);
    if (handler === undefined || index === undefined) return;
    this.#entries.delete(id);
    index.size--;
    if (handler.matches !== null) index.filtered--;
    index.untagged.remove(id);
    for (const tag of handler.tags) removeTagged(index, tag, id);
    if (index.size === 0) this.#hooks.delete(handler.hook);
  }

  /** Whether nothing can match, so that a firing need not even be looked at. */
  isEmpty(hook: string): boolean {
    return !this.#hooks.has(hook);
  }

  /** Whether a match may ask for the document. */
  hasFilters(hook: string): boolean {
    return (this.#hooks.get(hook)?.filtered ?? 0) > 0;
  }

  /**
   * The handlers of the hook that have any of the firing's tags, or no tags (B8), and whose filter is true, in the order of their ids.
   * A firing without tags reaches all handlers of the hook, tagged or not (detail 18): whoever names no tags makes no choice.
   * Asks for the tags only when some handler has tags, for the document only when some handler within reach has a filter.
   */
  match(hook: string, firing: Firing): H[] {
    const index = this.#hooks.get(hook);
    if (index === undefined) return [];
    const probe = new Probe<H>(firing, ++this.#serial);
    index.untagged.offer(probe);
    if (index.byTag.size > 0) offerTagged(index, firing.tags(), probe);
    return probe.found.sort(byId);
  }

  #hookIndex(hook: string): HookIndex<H> {
    return this.#hooks.getOrInsertComputed(hook, () => ({ untagged: new Bucket(), byTag: new Map(), size: 0, filtered: 0 }));
  }
}

function offerTagged<H extends Matchable>({ byTag }: HookIndex<H>, tags: readonly string[], probe: Probe<H>): void {
  if (tags.length === 0) for (const bucket of byTag.values()) bucket.offer(probe);
  for (const tag of tags) byTag.get(tag)?.offer(probe);
}

function removeTagged<H extends Matchable>(index: HookIndex<H>, tag: string, id: number): void {
  const bucket = index.byTag.get(tag);
  bucket?.remove(id);
  if (bucket?.isEmpty) index.byTag.delete(tag);
}

function byId(a: Matchable, b: Matchable): number {
  return a.id - b.id;
}
