import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { EngineError } from '../../core/errors.ts';
import { bodyChunks } from '../body/body-chunks.ts';
import { mediaType } from '../body/media-type.ts';
import { arraySplitter } from '../bulk/array-items.ts';
import { BulkIngest } from '../bulk/bulk-ingest.ts';
import { lineSplitter } from '../bulk/lines.ts';
import { BrokenStream, type Splitter } from '../bulk/splitter.ts';
import { Tally } from '../bulk/tally.ts';
import type { HttpDeps } from '../deps.ts';
import { ClientGone, HttpError, knownError } from '../problem.ts';
import { type Reply, type Route, route } from '../route.ts';
import { EventInput } from './event-schemas.ts';

const NDJSON_TYPES = [
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/x-jsonlines',
  'application/jsonlines',
];

const ItemResultShown = z
  .object({
    index: z.int().meta({ description: 'Place in the upload, from 0; blank lines do not count.' }),
    id: z.string().nullable(),
    result: z.enum(['stored', 'duplicate', 'conflict', 'invalid']),
    errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
  })
  .meta({ id: 'ItemResult' });

const BulkResult = z
  .object({
    stored: z.int(),
    duplicate: z.int().meta({ description: 'Already there with the same content.' }),
    conflict: z.int().meta({ description: 'Already there with other content, which stays.' }),
    invalid: z.int(),
    items: z.array(ItemResultShown),
    items_truncated: z.literal(true).optional().meta({ description: 'More items than are listed; the counts are of all.' }),
  })
  .meta({ id: 'BulkResult' });

const BulkQuery = z.object({
  summary: z
    .stringbool()
    .default(false)
    .meta({ description: 'Leaves stored items out of `items`.', override: { type: 'boolean', default: false } }),
});

/** POST /events: many events in one request, read and stored as they arrive. */
export function bulkRoute({ ingest, limits }: HttpDeps): Route {
  return route({
    method: 'post',
    path: '/events',
    area: 'events',
    scope: 'events:write',
    summary: 'Store many events',
    description:
      'A JSON array, or NDJSON with an event a line, of any length: they are stored in batches as they arrive, each with its own result. ' +
      'When the upload breaks (an array that is no JSON, a store that fails), what came before stays stored; the problem then has ' +
      'the counts and `items` so far. Repeating an upload is harmless for events that carry their own `_id`.',
    query: BulkQuery,
    body: z.array(EventInput),
    reads: 'stream',
    consumes: ['application/json', ...NDJSON_TYPES],
    replies: { 200: { description: 'What became of each item', schema: BulkResult } },
    errors: ['invalid_json', 'unsupported_media_type', 'request_timeout', 'store_unavailable', 'store_full', 'overloaded'],
    span: { name: 'event.receive' },
    async handle({ request, query }) {
      if (isEmpty(request)) return NOT_OFFERED;
      const splitter = splitterFor(request.headers['content-type'], limits.eventBytes);
      const tally = new Tally({ listStored: !query.summary });
      const bulk = new BulkIngest(ingest, tally);
      const fault = await stored(bodyChunks(request), splitter, bulk);
      if (fault !== null) throw withTally(fault.error, tally);
      return { status: 200, text: `{${tally.members()}}` };
    },
  });
}

/** Without a body, or even the type of one, nobody means this: MADSci, which has no such route, answers as it does for those (M63). */
const NOT_OFFERED: Reply = { status: 405, json: { detail: 'Method Not Allowed' }, headers: { Allow: 'GET, POST' } };

function isEmpty({ headers }: IncomingMessage): boolean {
  return (
    headers['content-type'] === undefined && headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0
  );
}

function splitterFor(contentType: string | undefined, maxBytes: number): Splitter {
  const type = mediaType(contentType);
  if (type === 'application/json') return arraySplitter(maxBytes);
  if (NDJSON_TYPES.includes(type)) return lineSplitter(maxBytes);
  throw new EngineError('unsupported_media_type', 'Send application/json with an array, or application/x-ndjson');
}

/** What ended the upload early, or null. Batches under way are waited for in any case. */
async function stored(chunks: AsyncIterable<Buffer>, splitter: Splitter, bulk: BulkIngest): Promise<{ error: unknown } | null> {
  let fault: { error: unknown } | null = null;
  try {
    let isOpen = true;
    for await (const chunk of chunks) {
      isOpen = await bulk.add(splitter.push(chunk));
      if (!isOpen) break;
    }
    if (isOpen) await bulk.add(splitter.end());
  } catch (error) {
    fault = { error };
    if (error instanceof BrokenStream) await bulk.add(error.items);
  }
  try {
    await bulk.finish();
  } catch (error) {
    fault ??= { error };
  }
  return fault;
}

function withTally(error: unknown, tally: Tally): unknown {
  if (error instanceof ClientGone) return error;
  const members = tally.members();
  if (error instanceof BrokenStream) return new HttpError('invalid_json', error.message, { members });
  const known = knownError(error);
  return new HttpError(known.code, known.message, { members, cause: known.cause ?? known });
}
