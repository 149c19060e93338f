import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { DEFAULT_EVENT_LIMITS as EVENT } from '../../../src/core/event.ts';
import { HANDLER_BOUNDS as HANDLER } from '../../../src/core/handler.ts';
import { MAX_DEPTH } from '../../../src/engine/effects.ts';
import { LIMITS } from '../../../src/http/limits.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../../../docs/operations.md'), 'utf8').replaceAll(/ +\|/g, ' |');

const figure = (value: number): string => value.toLocaleString('en-US');
const range = ({ min, max, default: fallback }: { min?: number; max: number; default: number }): string =>
  `${figure(min ?? 1)} to ${figure(max)}; ${figure(fallback)} unless set`;

test.each([
  { what: 'levels in an event', limit: figure(EVENT.maxDepth) },
  { what: 'id of an event', limit: `${figure(EVENT.maxIdLength)} characters` },
  { what: 'tags of an event', limit: `${figure(EVENT.maxTags)}, each of ${figure(EVENT.maxTagLength)} characters` },
  { what: 'headers', limit: `${LIMITS.headers}, ${LIMITS.headerBytes / 1024} KiB` },
  { what: 'for a request to arrive', limit: `${LIMITS.headersMs / 1000} s for its headers, ${LIMITS.requestMs / 1000} s for all of it; ` },
  { what: 'source of a handler', limit: `${figure(HANDLER.sourceCharacters)} characters` },
  { what: 'config of a handler', limit: `${figure(HANDLER.configCharacters)} characters` },
  { what: 'name of a handler, a tag', limit: `${HANDLER.nameLength} characters; ${HANDLER.tags} tags` },
  { what: '`timeout_ms`', limit: range(HANDLER.timeoutMs) },
  { what: '`memory_mb`', limit: range(HANDLER.memoryMb) },
  { what: '`max_attempts`', limit: range(HANDLER.maxAttempts) },
  { what: '`concurrency`', limit: range(HANDLER.concurrency) },
  { what: 'chain of events that handlers emit', limit: figure(MAX_DEPTH) },
])('docs/operations.md has the limit of the source: $what', ({ what, limit }) => {
  const row = PAGE.split('\n').find((line) => line.startsWith(`| ${what} |`));
  expect(row).toContain(`| ${limit}`);
});
