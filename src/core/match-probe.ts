import type { ExactValue } from './json.ts';
import { type Path, reaches } from './selector/path.ts';
import { type ScalarKey, scalarKey } from './selector/values.ts';

/** A handler as matching sees it. */
export interface Matchable {
  readonly id: number;
  readonly hook: string;
  /** Empty: every firing of the hook reaches it (B8). */
  readonly tags: readonly string[];
  /** The compiled filter; null for `{}`, which takes every payload without looking at it. */
  readonly matches: ((document: ExactValue) => boolean) | null;
  /** Whether the filter looks at nothing but `HEAD_MEMBERS`, so that the head of the firing is enough for it. */
  readonly needsHeadOnly?: boolean;
  /** What the filter requires: at each dotted path one of the values. May name less than the filter tests, never more. */
  readonly anchors: ReadonlyMap<string, readonly ExactValue[]>;
}

/** What fires a hook. Both parts are made only when asked for, at most once: most firings reach no handler. */
export interface Firing {
  tags(): readonly string[];
  document(): ExactValue;
  /** `HEAD_MEMBERS` of the document, where they are known without parsing it. */
  head?: (() => ExactValue) | undefined;
}

/** What is known of every event before its text is parsed again: most filters ask for nothing else. */
export const HEAD_MEMBERS: ReadonlySet<string> = new Set(['_id', 'event_type', 'log_level', 'alert', 'event_timestamp']);

/** A handler's one place in the index, shared by all the lists it stands in. */
export interface Entry<H extends Matchable> {
  readonly handler: H;
  /** The probe that tested it last: several tags may lead to a handler, but its filter runs once. */
  seenBy: number;
}

/** One firing on its way through the index. */
export class Probe<H extends Matchable> {
  readonly found: H[] = [];
  readonly #firing: Firing;
  readonly #serial: number;
  #document: ExactValue | undefined;
  #head: ExactValue | undefined;
  #keys: Map<string, readonly ScalarKey[]> | undefined;

  constructor(firing: Firing, serial: number) {
    this.#firing = firing;
    this.#serial = serial;
  }

  /** Takes the handler when its filter does, and never twice. */
  test(entry: Entry<H>): void {
    if (entry.seenBy === this.#serial) return;
    entry.seenBy = this.#serial;
    const { handler } = entry;
    if (handler.matches === null || handler.matches(handler.needsHeadOnly === true ? this.#readHead() : this.#read()))
      this.found.push(handler);
  }

  testAll(entries: ReadonlyMap<number, Entry<H>>): void {
    for (const entry of entries.values()) this.test(entry);
  }

  /** The texts, numbers and booleans that the path reaches in the document, as an equality compares them. */
  keysAt(path: Path): readonly ScalarKey[] {
    this.#keys ??= new Map();
    const known = this.#keys.get(path.text);
    if (known !== undefined) return known;
    const keys = keysIn(HEAD_MEMBERS.has(path.parts[0] ?? '') ? this.#readHead() : this.#read(), path);
    this.#keys.set(path.text, keys);
    return keys;
  }

  #readHead(): ExactValue {
    if (this.#document !== undefined) return this.#document;
    this.#head ??= this.#firing.head?.() ?? this.#read();
    return this.#head;
  }

  #read(): ExactValue {
    this.#document ??= this.#firing.document();
    return this.#document;
  }
}

function keysIn(document: ExactValue, path: Path): ScalarKey[] {
  const keys: ScalarKey[] = [];
  reaches(document, path, 'elements', (value) => {
    const key = scalarKey(value);
    if (key !== null) keys.push(key);
    return false;
  });
  return keys;
}
