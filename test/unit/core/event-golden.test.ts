import { describe, expect, test } from '@jest/globals';
import { DEFAULT_EVENT_LIMITS, type NormaliseResult, normaliseEvent, type ValidationIssue } from '../../../src/core/event.ts';
import { stringifyExact } from '../../../src/core/json.ts';
import { fixedDefaults, MANAGER_ID, NEW_ID, NOW_TEXT } from '../../support/event-defaults.ts';
import { bodyTextOf, type GoldenStep, readGolden } from '../../support/golden.ts';

/** Only what the normaliser decides: posts of one event in UTF-8 JSON. */
function stepsOf(group: string): { name: string; step: GoldenStep; body: string }[] {
  return readGolden(group).steps.flatMap((step) => {
    const { method, path, headers = {} } = step.request;
    const body = bodyTextOf(step.request) ?? '';
    const isOurs = method === 'POST' && path === '/event' && step.request.rawBodyBase64 === undefined;
    return isOurs && !isAboutContentType(step, headers) ? [{ name: step.name, step, body }] : [];
  });
}

function isAboutContentType(step: GoldenStep, headers: Record<string, string | null>): boolean {
  const type = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type');
  return type !== undefined && (step.response.status !== 200 || type[1] === null) && type[1] !== 'application/json';
}

function issueText({ type, loc, msg, input, ctx }: ValidationIssue): string {
  const known = { type, loc: ['body', ...loc], msg, ...(input === undefined ? {} : { input }), ...(ctx === undefined ? {} : { ctx }) };
  return stringifyExact(known);
}

function answerOf(result: NormaliseResult): { status: number; text: string } {
  if (result.ok) return { status: 200, text: result.event.json };
  return { status: 422, text: `{"detail":[${result.issues.map(issueText).join(',')}]}` };
}

/** The recorded text with our standing clock and ids in the places that change. */
function expectedText(step: GoldenStep): string {
  const text = (step.response.bodyText ?? '').replaceAll('{{MANAGER_ID}}', MANAGER_ID);
  if (step.volatile === undefined) return text;
  return text.replace(/"_id":"[^"]*"/, `"_id":"${NEW_ID}"`).replace(/"event_timestamp":"[^"]*"/, `"event_timestamp":"${NOW_TEXT}"`);
}

describe.each(['ingest-ok', 'ingest-bad'])('M1-M8 M27 M61 M62 %s', (group) => {
  test.each(stepsOf(group))('$name', ({ step, body }) => {
    const answer = answerOf(normaliseEvent(body, fixedDefaults, DEFAULT_EVENT_LIMITS));
    if (step.ours?.status !== undefined) expect(step.ours.status).toContain(answer.status);
    else expect(answer).toEqual({ status: step.response.status, text: expectedText(step) });
  });
});
