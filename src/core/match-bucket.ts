import type { ExactValue } from './json.ts';
import type { Entry, Matchable, Probe } from './match-probe.ts';
import { type Path, parsePath } from './selector/path.ts';
import { type ScalarKey, scalarKey } from './selector/values.ts';

/** A filter that requires one of more values than this is tested each time: indexing it would cost more memory than it saves work. */
const MAX_ANCHOR_VALUES = 256;

/** Each path costs a look at every document, as much as a filter does: beyond these, filters on new paths are tested each time. */
const MAX_PATHS = 64;

type Entries<H extends Matchable> = Map<number, Entry<H>>;

/** The handlers that require a certain value at one path, by that value. */
interface PathIndex<H extends Matchable> {
  readonly path: Path;
  readonly byValue: Map<ScalarKey, Entries<H>>;
}

/** Where in the bucket a filtered handler stands: under the values it requires at a path. */
interface Anchor {
  readonly path: string;
  readonly keys: ReadonlySet<ScalarKey>;
}

/** Handlers that a firing reaches in the same way (by one tag, or by having none), found by what their filter requires. */
export class Bucket<H extends Matchable> {
  /** No filter: reached by every firing. */
  readonly #unfiltered: Entries<H> = new Map();
  /** A filter without a usable equality: has to be tested each time. */
  readonly #scanned: Entries<H> = new Map();
  readonly #byPath = new Map<string, PathIndex<H>>();
  readonly #anchors = new Map<number, Anchor>();

  get isEmpty(): boolean {
    return this.#unfiltered.size + this.#scanned.size + this.#anchors.size === 0;
  }

  add(entry: Entry<H>): void {
    const { handler } = entry;
    const anchor = handler.matches === null ? null : this.#chooseAnchor(handler);
    if (anchor !== null) this.#addAnchored(entry, anchor);
    else if (handler.matches === null) this.#unfiltered.set(handler.id, entry);
    else this.#scanned.set(handler.id, entry);
  }

  remove(id: number): void {
    this.#unfiltered.delete(id);
    this.#scanned.delete(id);
    const anchor = this.#anchors.get(id);
    if (anchor !== undefined) this.#removeAnchored(id, anchor);
  }

  /** Shows the probe every handler whose filter may be true, and few others. */
  offer(probe: Probe<H>): void {
    probe.testAll(this.#unfiltered);
    probe.testAll(this.#scanned);
    for (const { path, byValue } of this.#byPath.values()) {
      for (const key of probe.keysAt(path)) {
        const entries = byValue.get(key);
        if (entries !== undefined) probe.testAll(entries);
      }
    }
  }

  /** The path whose values lead to the fewest other handlers: a type that all share says nothing, a node of its own says all. */
  #chooseAnchor(handler: H): Anchor | null {
    let best: Anchor | null = null;
    let fewest = Number.POSITIVE_INFINITY;
    for (const [path, values] of handler.anchors) {
      const keys = keysOf(values);
      if (keys === null || !this.#hasRoomFor(path)) continue;
      const crowd = this.#crowd(path, keys);
      if (crowd < fewest) [best, fewest] = [{ path, keys }, crowd];
    }
    return best;
  }

  #hasRoomFor(path: string): boolean {
    return this.#byPath.size < MAX_PATHS || this.#byPath.has(path);
  }

  #crowd(path: string, keys: ReadonlySet<ScalarKey>): number {
    const byValue = this.#byPath.get(path)?.byValue;
    let most = 0;
    for (const key of keys) most = Math.max(most, byValue?.get(key)?.size ?? 0);
    return most;
  }

  #addAnchored(entry: Entry<H>, anchor: Anchor): void {
    const byValue = this.#pathIndex(anchor.path).byValue;
    for (const key of anchor.keys) byValue.getOrInsertComputed(key, () => new Map()).set(entry.handler.id, entry);
    this.#anchors.set(entry.handler.id, anchor);
  }

  #removeAnchored(id: number, anchor: Anchor): void {
    const { byValue } = this.#pathIndex(anchor.path);
    for (const key of anchor.keys) {
      const entries = byValue.get(key);
      entries?.delete(id);
      if (entries?.size === 0) byValue.delete(key);
    }
    if (byValue.size === 0) this.#byPath.delete(anchor.path);
    this.#anchors.delete(id);
  }

  #pathIndex(text: string): PathIndex<H> {
    return this.#byPath.getOrInsertComputed(text, () => ({ path: parsePath(text), byValue: new Map() }));
  }
}

/** Null when the list cannot be looked up: null also matches what is missing, and arrays and objects have no key. */
function keysOf(values: readonly ExactValue[]): ReadonlySet<ScalarKey> | null {
  if (values.length > MAX_ANCHOR_VALUES) return null;
  const keys = new Set<ScalarKey>();
  for (const value of values) {
    const key = scalarKey(value);
    if (key === null) return null;
    keys.add(key);
  }
  return keys;
}
