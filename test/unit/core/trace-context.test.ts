import { describe, expect, test } from '@jest/globals';
import { readTraceparent, traceContext } from '../../../src/core/trace-context.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

describe('traceparent', () => {
  test.each([
    [`00-${TRACE}-${SPAN}-01`, true, 'sampled'],
    [`00-${TRACE}-${SPAN}-00`, false, 'not sampled'],
    [`00-${TRACE}-${SPAN}-03`, true, 'more flags'],
    [`cc-${TRACE}-${SPAN}-01-what-comes`, true, 'a later version with more behind it'],
  ])('%s: %s, %s', (header, isSampled) => {
    expect(readTraceparent(header)).toEqual({ traceId: TRACE, spanId: SPAN, isSampled });
  });

  test.each([
    ['', 'empty'],
    [`00-${TRACE}-${SPAN}-01-more`, 'more behind version 00'],
    [`ff-${TRACE}-${SPAN}-01`, 'the version that is never used'],
    [`00-${'0'.repeat(32)}-${SPAN}-01`, 'no trace'],
    [`00-${TRACE}-${'0'.repeat(16)}-01`, 'no span'],
    [`00-${TRACE.toUpperCase()}-${SPAN}-01`, 'capitals'],
    [`00-${TRACE}-${SPAN}`, 'too short'],
    [`00-${TRACE}x-${SPAN}-01`, 'not hexadecimal'],
  ])('%s is none: %s', (header) => {
    expect([readTraceparent(header), readTraceparent(undefined)]).toEqual([null, null]);
  });
});

test('the ids of an event are taken in either case, and only both together', () => {
  expect(traceContext(TRACE.toUpperCase(), SPAN)).toEqual({ traceId: TRACE, spanId: SPAN, isSampled: true });
  for (const [trace, span] of [
    [TRACE, null],
    [null, SPAN],
    ['abc', SPAN],
    [1, 2],
  ])
    expect(traceContext(trace, span)).toBeNull();
});
