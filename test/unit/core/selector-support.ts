import { DatabaseSync } from 'node:sqlite';
import { pushDown } from '../../../src/adapters/sqlite/selector-sql.ts';
import { type ExactObject, isObject, memberOf } from '../../../src/core/json.ts';
import { compileSelector } from '../../../src/core/selector/match.ts';
import { parseSelector } from '../../../src/core/selector/parse.ts';
import type { Selector } from '../../../src/core/selector/selector.ts';
import { parseSelectorText } from '../../../src/core/selector/text.ts';

const MODE = { backtracking: true };

/** The selector of a JSON text. */
export function selectorOf(text: string): Selector {
  return parseSelector(parseSelectorText(text));
}

/** Whether a document, given as JSON, matches a selector, given as JSON. */
export function matches(selector: string, document: string): boolean {
  return compileSelector(selectorOf(selector), MODE)(parseSelectorText(document));
}

export function idsByMatch(documents: readonly ExactObject[], selector: Selector): string[] {
  return documents.filter(compileSelector(selector, MODE)).map((document) => textAt(document, '_id'));
}

/** A table of events as the store has it, with the documents beside it: a date does not survive as text. */
export class EventTable implements Disposable {
  readonly #database = new DatabaseSync(':memory:');
  readonly #documents: readonly ExactObject[];

  constructor(documents: readonly ExactObject[]) {
    this.#documents = documents;
    this.#database.exec(`CREATE TABLE events (seq INTEGER PRIMARY KEY, id TEXT UNIQUE, ts TEXT, type TEXT, level INTEGER,
      alert INTEGER, archived INTEGER, node_id TEXT) STRICT;
      CREATE INDEX events_urgent ON events (ts) WHERE level >= 40`);
    const insert = this.#database.prepare('INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
    documents.forEach((document, seq) => {
      insert.run(
        seq,
        textAt(document, '_id'),
        textAt(document, 'event_timestamp'),
        textAt(document, 'event_type'),
        ...flagsOf(document),
        nodeOf(document),
      );
    });
  }

  /** What the condition alone selects, and what is left after the evaluator has looked at it where that is needed. */
  select(selector: Selector): { selected: string[]; ids: string[]; exact: boolean } {
    const { where, params, exact } = pushDown(selector);
    const rows = this.#database.prepare(`SELECT seq FROM events WHERE ${where} ORDER BY seq`).all(...params);
    const documents = rows.map(({ seq }) => this.#documents[Number(seq)]).filter((document) => document !== undefined);
    const selected = documents.map((document) => textAt(document, '_id'));
    return { selected, ids: exact ? selected : idsByMatch(documents, selector), exact };
  }

  plan(selector: Selector): string {
    const { where, params } = pushDown(selector);
    return JSON.stringify(this.#database.prepare(`EXPLAIN QUERY PLAN SELECT seq FROM events WHERE ${where}`).all(...params));
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

function textAt(document: ExactObject, key: string): string {
  return String(memberOf(document, key));
}

function flagsOf(document: ExactObject): [number, number, number] {
  return [Number(memberOf(document, 'log_level')), Number(memberOf(document, 'alert')), Number(memberOf(document, 'archived'))];
}

function nodeOf(document: ExactObject): string | null {
  const source = memberOf(document, 'source');
  const node = isObject(source) ? memberOf(source, 'node_id') : null;
  return typeof node === 'string' ? node : null;
}
