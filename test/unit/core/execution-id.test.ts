import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { executionId, executionIdPrefix } from '../../../src/core/execution-id.ts';

const sha1 = (text: string): string => createHash('sha1').update(text).digest('hex');

test('begins with the id of its subject and ends with its handler', () => {
  expect(executionId('01JNGVBW5S8E0T8ZR9HX5Y4M2K', 7, sha1)).toBe('01JNGVBW5S8E0T8ZR9HX5Y4M2K.7');
});

test.each([['a/b'], ['a.b'], [''], ['\u{1f9ea}'], ['~x'], ['x'.repeat(65)], ['a b'], ['__proto__!1']])(
  '%p does not fit into a path and is replaced by its hash',
  (id) => {
    expect(executionId(id, 1, sha1)).toBe(`~${sha1(id)}.1`);
  },
);

test('is the same for the same subject and handler, another one for others, and always fits into a path', () => {
  const subject = fc.oneof(fc.string({ unit: 'grapheme' }), fc.ulid(), fc.string({ maxLength: 3 }));
  const pair = fc.tuple(subject, fc.integer({ min: 1, max: 2 ** 31 - 1 }));
  fc.assert(
    fc.property(pair, pair, ([a, m], [b, n]) => {
      const [first, second] = [executionId(a, m, sha1), executionId(b, n, sha1)];
      expect(first === second).toBe(a === b && m === n);
      expect(executionId(a, m, sha1)).toBe(first);
      expect(first).toMatch(/^[~\w-]{1,64}\.\d+$/);
      expect(first.startsWith(executionIdPrefix(a, sha1))).toBe(true);
      if (a !== b) expect(second.startsWith(executionIdPrefix(a, sha1))).toBe(false);
    }),
  );
});
