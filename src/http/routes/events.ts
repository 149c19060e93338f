import { z } from 'zod';
import { EngineError } from '../../core/errors.ts';
import { valueIssue } from '../../core/validation.ts';
import type { SpanAttributes } from '../../ports/tracing.ts';
import { madsciText, madsciValue } from '../body/madsci-body.ts';
import type { HttpDeps } from '../deps.ts';
import { InvalidRequest, inBody } from '../problem.ts';
import { type Reply, type Route, route } from '../route.ts';
import { readArchiveRequest } from './archive-request.ts';
import {
  ArchivedQuery,
  ArchiveRequest,
  ArchiveResult,
  EventInput,
  EventMap,
  EventPage,
  EventParams,
  EventsQuery,
  PurgeQuery,
  PurgeResult,
  SelectorQuery,
  StoredEvent,
} from './event-schemas.ts';
import { bulkRoute } from './events-bulk.ts';
import { readSelectorRequest } from './selector-request.ts';

const DAY_MS = 86_400_000;
/** The calendar of MADSci's language: years 1 to 9999. */
const CALENDAR = { first: Date.parse('0001-01-01T00:00:00Z'), last: Date.parse('9999-12-31T23:59:59Z') };

export function eventRoutes(deps: HttpDeps): Route[] {
  return [
    postEvent(deps),
    bulkRoute(deps),
    getEvent(deps),
    listEvents(deps),
    queryEvents(deps),
    archiveEvents(deps),
    listArchived(deps),
    purgeArchived(deps),
  ];
}

function postEvent({ ingest, limits }: HttpDeps): Route {
  return route({
    method: 'post',
    path: '/event',
    area: 'events',
    scope: 'events:write',
    madsci: true,
    summary: 'Store one event',
    description: 'Answers the event as it was sent, with defaults filled in, also when its id is taken: the stored one then stays.',
    body: EventInput,
    reads: 'stream',
    replies: { 200: { description: 'The event', schema: StoredEvent } },
    errors: ['invalid_request', 'invalid_json', 'body_too_large', 'store_unavailable', 'store_full', 'overloaded'],
    /** M1, M3 */
    span: { name: 'event.receive', attributes: (_, reply) => receivedAttributes(reply) },
    async handle({ request }) {
      const result = await ingest.one(await madsciText(request, limits.eventBytes));
      if (!result.ok) throw inBody(result.issues);
      return { status: 200, text: result.json };
    },
  });
}

const LEVEL_NAMES: Readonly<Record<number, string>> = { 0: 'NOTSET', 10: 'DEBUG', 20: 'INFO', 30: 'WARNING', 40: 'ERROR', 50: 'CRITICAL' };

/** M58. Of the answer, which has every default; only where traces are on. */
function receivedAttributes(reply: Reply | null): SpanAttributes {
  if (reply?.text === undefined) return {};
  const { _id, event_type, log_level } = JSON.parse(reply.text) as { _id: string; event_type: string; log_level: number };
  return { 'event.id': _id, 'event.type': event_type, 'event.level': LEVEL_NAMES[log_level] ?? String(log_level) };
}

function getEvent({ events }: HttpDeps): Route {
  return route({
    method: 'get',
    path: '/event/:event_id',
    area: 'events',
    scope: 'events:read',
    madsci: true,
    summary: 'Read one event',
    params: EventParams,
    replies: { 200: { description: 'The event', schema: StoredEvent } },
    errors: ['event_not_found', 'store_unavailable'],
    async handle({ params }) {
      const text = await events.get(params.event_id);
      if (text === null) throw new EngineError('event_not_found', `Event with ID ${params.event_id} not found`);
      return { status: 200, text };
    },
  });
}

function listEvents({ events }: HttpDeps): Route {
  return route({
    method: 'get',
    path: '/events',
    area: 'events',
    scope: 'events:read',
    madsci: true,
    summary: 'List events',
    description: 'By event_timestamp, newest first; events of the same time by arrival, newest first.',
    query: EventsQuery,
    replies: { 200: { description: 'Events by id, in that order', schema: EventMap } },
    errors: ['invalid_request', 'result_too_large', 'store_unavailable'],
    /** M10, M11 */
    async handle({ query }) {
      const text = await events.list({
        number: query.number,
        offset: query.offset,
        minLevel: query.level,
        startText: query.start_time,
        endText: query.end_time,
        includeArchived: query.include_archived,
      });
      return { status: 200, text };
    },
  });
}

function queryEvents({ events, limits }: HttpDeps): Route {
  return route({
    method: 'post',
    path: '/events/query',
    area: 'events',
    scope: 'events:read',
    madsci: true,
    summary: 'Select events',
    description:
      'The body is a selector in the query language of MongoDB; archived events are included. With limit, sort, projection or cursor ' +
      'the answer is a page, else all events by id in the order of arrival.',
    query: SelectorQuery,
    body: z.record(z.string(), z.unknown()).meta({ id: 'Selector', example: { event_type: 'log_error', log_level: { $gte: 40 } } }),
    reads: 'stream',
    replies: { 200: { description: 'Events by id, or a page of events', schema: z.union([EventMap, EventPage]) } },
    errors: [
      'invalid_request',
      'selector_invalid',
      'selector_operator_refused',
      'selector_too_large',
      'selector_regex_unsupported',
      'sort_invalid',
      'projection_invalid',
      'cursor_invalid',
      'query_deadline',
      'result_too_large',
    ],
    span: { name: 'event.query' },
    /** M12, M53 */
    async handle({ request, query }) {
      const wanted = readSelectorRequest(await madsciText(request, limits.bodyBytes), query);
      if (wanted.page === null) return { status: 200, text: await events.query(wanted.query) };
      const { items, nextCursor } = await events.page(wanted.query, wanted.page);
      return { status: 200, text: `{"items":[${items.join(',')}],"next_cursor":${JSON.stringify(nextCursor)}}` };
    },
  });
}

function archiveEvents({ events, limits, now }: HttpDeps): Route {
  return route({
    method: 'post',
    path: '/events/archive',
    area: 'events',
    scope: 'events:write',
    madsci: true,
    summary: 'Archive events',
    description: 'By ids, or everything before a date. Archived events leave the list, stay readable, and can be purged.',
    body: ArchiveRequest,
    reads: 'stream',
    replies: { 200: { description: 'How many were archived now', schema: ArchiveResult } },
    errors: ['invalid_request', 'store_unavailable'],
    span: { name: 'event.archive' },
    /** M13, M14 */
    async handle({ request }) {
      const what = readArchiveRequest(madsciValue(await madsciText(request, limits.bodyBytes)));
      const count = await events.archive(what, now());
      const traced = { 'archive.by_ids': 'ids' in what, ...('ids' in what ? {} : { 'archive.before_date': what.beforeText }) };
      return { status: 200, json: { archived_count: count, message: `Successfully archived ${count} events` }, traced };
    },
  });
}

function listArchived({ events }: HttpDeps): Route {
  return route({
    method: 'get',
    path: '/events/archived',
    area: 'events',
    scope: 'events:read',
    madsci: true,
    summary: 'List archived events',
    description: 'By archived_at, newest first.',
    query: ArchivedQuery,
    replies: { 200: { description: 'Events by id, in that order', schema: EventMap } },
    errors: ['invalid_request', 'result_too_large', 'store_unavailable'],
    span: { name: 'event.archived.list', attributes: ({ query }) => ({ 'events.limit': query.number, 'events.offset': query.offset }) },
    /** M15 */
    async handle({ query }) {
      return { status: 200, text: await events.listArchived(query.number, query.offset) };
    },
  });
}

function purgeArchived(deps: HttpDeps): Route {
  return route({
    method: 'delete',
    path: '/events/archived',
    area: 'events',
    scope: 'events:write',
    madsci: true,
    summary: 'Delete archived events for good',
    description: 'Events that a client sent as archived stay.',
    query: PurgeQuery,
    replies: { 200: { description: 'How many were deleted', schema: PurgeResult } },
    errors: ['invalid_request', 'store_unavailable'],
    handle: ({ query }) => purge(deps, query.older_than_days),
  });
}

/** M15, M67. Beyond the calendar the original fails with 500. */
async function purge({ events, now }: HttpDeps, days: number): Promise<Reply> {
  const before = now() - days * DAY_MS;
  if (before < CALENDAR.first || before > CALENDAR.last) {
    const { loc, ...issue } = valueIssue([], 'the date is outside the calendar', String(days));
    throw new InvalidRequest([{ ...issue, loc: ['query', 'older_than_days', ...loc] }]);
  }
  const count = await events.purgeArchived(before);
  const message = `Permanently deleted ${count} archived events older than ${days} days`;
  return { status: 200, json: { deleted_count: count, message } };
}
