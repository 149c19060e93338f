import { pointerTo } from '../../core/selector/selector-error.ts';
import type { ValidationIssue } from '../../core/validation.ts';
import type { ItemResult } from '../../engine/ingest.ts';

/** At most so many stored items are listed, and as many of the others. */
const MAX_LISTED = 100_000;
/** And no more than so much text in all. */
const MAX_CHARS = 16_777_216;
const MAX_ERRORS = 10;
const MAX_TEXT = 300;

/** Counts what became of the items of an upload and lists them, as JSON text: a million results are held more cheaply so. */
export class Tally {
  readonly #counts = { stored: 0, duplicate: 0, conflict: 0, invalid: 0 };
  readonly #listed: string[] = [];
  readonly #roomFor: { stored: number; others: number };
  readonly #listsStored: boolean;
  #charsLeft = MAX_CHARS;
  #isTruncated = false;

  constructor(options: { listStored: boolean; maxListed?: number }) {
    const max = options.maxListed ?? MAX_LISTED;
    this.#listsStored = options.listStored;
    this.#roomFor = { stored: max, others: max };
  }

  add(results: readonly ItemResult[]): void {
    for (const item of results) {
      this.#counts[item.result]++;
      this.#list(item);
    }
  }

  /** The members of the answer, without braces. */
  members(): string {
    const { stored, duplicate, conflict, invalid } = this.#counts;
    const truncated = this.#isTruncated ? ',"items_truncated":true' : '';
    return `"stored":${stored},"duplicate":${duplicate},"conflict":${conflict},"invalid":${invalid},"items":[${this.#listed.join(',')}]${truncated}`;
  }

  #list(item: ItemResult): void {
    if (item.result === 'stored' && !this.#listsStored) return;
    const kind = item.result === 'stored' ? 'stored' : 'others';
    if (this.#roomFor[kind] === 0 || this.#charsLeft <= 0) {
      this.#isTruncated = true;
      return;
    }
    this.#roomFor[kind]--;
    const text = itemText(item);
    this.#charsLeft -= text.length;
    this.#listed.push(text);
  }
}

function itemText({ index, id, result, issues }: ItemResult): string {
  const errors = issues === undefined ? '' : `,"errors":${JSON.stringify(issues.slice(0, MAX_ERRORS).map(itemError))}`;
  return `{"index":${index},"id":${JSON.stringify(id)},"result":"${result}"${errors}}`;
}

function itemError(issue: ValidationIssue): { pointer: string; detail: string } {
  // MADSci's place of a syntax error is a character, which no JSON pointer can name.
  const isSyntax = issue.type === 'json_invalid';
  const pointer = isSyntax ? '' : issue.loc.reduce<string>(pointerTo, '').slice(0, MAX_TEXT);
  return { pointer, detail: (isSyntax ? syntaxText(issue) : detailOf(issue)).slice(0, MAX_TEXT) };
}

function syntaxText({ ctx, loc }: ValidationIssue): string {
  return `not JSON: ${String(ctx?.['error'] ?? 'unreadable')} at character ${loc.at(-1) ?? 0}`;
}

/** MADSci lists all its event types in the message; a line of an upload has no room for that. */
function detailOf({ type, loc, msg, input }: ValidationIssue): string {
  if (type !== 'enum' || loc[0] !== 'event_type') return msg;
  const given = typeof input === 'string' ? `'${input.slice(0, 100)}'` : 'this';
  return `${given} is none of the event types that /docs lists; ALLOW_CUSTOM_EVENT_TYPES takes others`;
}
