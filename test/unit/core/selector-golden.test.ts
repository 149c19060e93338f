/** The recorded answers of the original to POST /events/query, met by the evaluator alone and by SQL with the evaluator behind it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { type ExactObject, type ExactValue, isObject, JsonSyntaxError, memberOf, membersOf, setMember } from '../../../src/core/json.ts';
import { parsePythonLiteral } from '../../../src/core/python-literal.ts';
import { parseSelector } from '../../../src/core/selector/parse.ts';
import { SelectorError } from '../../../src/core/selector/selector-error.ts';
import { parseSelectorText } from '../../../src/core/selector/text.ts';
import { EventTable, idsByMatch } from './selector-support.ts';

interface Step {
  name: string;
  request: { method: string; path: string; rawBody?: string; query?: { selector?: string }; headers?: object };
  response: { status: number; bodyText: string };
  ours?: { status: number[] };
  rare?: string;
  order?: 'any';
}

const FILE = join(process.env['GOLDEN_DIR'] ?? 'test/golden', 'query.json');
const steps: Step[] = existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')).steps : [];
const documents = documentsOf(steps[0]);
/** The steps behind this one see an archived event. */
const archiveStep = steps.findIndex(({ request }) => request.path === '/events/archive');
const laterDocuments = documents.map((document) => (memberOf(document, '_id') === 'q07' ? archived(document) : document));

const tables = { before: new EventTable(documents), after: new EventTable(laterDocuments) };
afterAll(() => {
  for (const table of Object.values(tables)) table[Symbol.dispose]();
});

function documentsOf(step: Step | undefined): ExactObject[] {
  const everything = step === undefined ? {} : parseSelectorText(step.response.bodyText);
  return isObject(everything) ? [...membersOf(everything)].map(([, document]) => document).filter(isObject) : [];
}

function archived(document: ExactObject): ExactObject {
  const changed: { [key: string]: ExactValue } = {};
  for (const [key, value] of membersOf(document)) setMember(changed, key, value);
  setMember(changed, 'archived', true);
  setMember(changed, 'archived_at', new Date('2025-02-01T00:00:00Z'));
  return changed;
}

const numbered = steps.map((step, index) => ({ step, name: step.name, isAfter: archiveStep >= 0 && index > archiveStep }));
const queries = numbered.filter(
  ({ step: { request } }) => request.path === '/events/query' && request.rawBody !== undefined && request.headers === undefined,
);
const answered = queries.filter(({ step }) => step.response.status === 200 && (step.ours === undefined || step.rare !== undefined));
const refusedHere = queries.filter(({ step }) => step.response.status !== 200 || (step.ours !== undefined && step.rare === undefined));

function sorted(ids: string[], order: Step['order']): string[] {
  return order === 'any' ? ids.toSorted() : ids;
}

/** Parts of the query language that may be refused: expressions, JavaScript, JSON schema, sampling, possessive quantifiers. */
const NOT_OFFERED = /^(?:expr|where|jsonSchema|sampleRate|regex possessive)/;

const describeGolden = steps.length > 0 ? describe : describe.skip;

describeGolden('POST /events/query answers as recorded', () => {
  const offered = answered.filter(({ name }) => !NOT_OFFERED.test(name));

  test('most steps are compared', () => {
    expect(offered.length).toBeGreaterThan(190);
    expect(refusedHere.length).toBeGreaterThan(45);
  });

  test.each(offered)('$name', ({ step, isAfter }) => {
    const selector = parseSelector(parseSelectorText(step.request.rawBody ?? ''));
    const expected = sorted(Object.keys(JSON.parse(step.response.bodyText)), step.order);
    expect(sorted(idsByMatch(isAfter ? laterDocuments : documents, selector), step.order)).toEqual(expected);
    const { selected, ids } = tables[isAfter ? 'after' : 'before'].select(selector);
    expect(sorted(ids, step.order)).toEqual(expected);
    expect(new Set(selected)).toEqual(new Set([...selected, ...expected]));
  });
});

describeGolden('POST /events/query refuses', () => {
  test.each(refusedHere)('$name', ({ step }) => {
    expect(() => parseSelector(parseSelectorText(step.request.rawBody ?? ''))).toThrow(/./);
    try {
      parseSelector(parseSelectorText(step.request.rawBody ?? ''));
    } catch (error) {
      expect(error instanceof SelectorError || error instanceof JsonSyntaxError).toBe(true);
    }
  });

  test.each(answered.filter(({ name }) => NOT_OFFERED.test(name)))('$name', ({ step }) => {
    expect(() => parseSelector(parseSelectorText(step.request.rawBody ?? ''))).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^selector_(?:operator_refused|regex_unsupported)$/) }),
    );
  });
});

describeGolden('selectors in the query string', () => {
  const inQuery = numbered.filter(({ step: { request } }) => request.query?.selector !== undefined && request.rawBody === undefined);

  test.each(inQuery)('$name', ({ step }) => {
    const text = step.request.query?.selector ?? '';
    const read = (): unknown => parseSelector(text.startsWith("{'") ? parsePythonLiteral(text) : parseSelectorText(text));
    if (step.ours?.status[0] === 200) expect(read()).toMatchObject({ op: expect.any(String) });
    else expect(read).toThrow(/./);
  });
});
