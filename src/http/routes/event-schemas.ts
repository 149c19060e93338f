/** Schemas of MADSci's event routes, as the documentation shows them; bodies are read by the core, which loses no number. */
import { z } from 'zod';
import { EVENT_TYPES } from '../../core/event-types.ts';
import { bounded, count, flag, integer, level, time } from '../query-values.ts';

const source = z
  .record(z.string(), z.string())
  .meta({ description: 'Who and what the event belongs to: user_id, node_id, workcell_id, workflow_id, …, each a ULID.' });

const TYPES_LISTED = `In any case; \`unknown\` when absent. One of:\n\n${Object.entries(EVENT_TYPES)
  .map(([name, meaning]) => `- \`${name}\`: ${meaning}`)
  .join('\n')}`;

export const EventInput = z
  .object({
    _id: z.string().optional().meta({ description: 'Chosen by the client, so that a repeated post is harmless. `event_id` is read too.' }),
    event_type: z.string().optional().meta({ description: TYPES_LISTED, example: 'log_info' }),
    log_level: z.union([z.int(), z.string()]).optional().meta({ description: '0, 10, … 50 or a name; 20 when absent.', example: 20 }),
    alert: z.boolean().optional().meta({ default: false }),
    event_timestamp: z.union([z.string(), z.number()]).optional().meta({
      description: 'ISO 8601, or seconds or milliseconds since the epoch; now when absent.',
      example: '2025-03-04T05:06:07.123456',
    }),
    source: source.optional(),
    event_data: z
      .unknown()
      .optional()
      .meta({ description: 'Any JSON value; numbers keep their digits.', example: { message: 'ready' } }),
    trace_id: z.string().nullable().optional(),
    span_id: z.string().nullable().optional(),
    archived: z.boolean().optional().meta({ description: 'Stored as archived; such an event is never purged.', default: false }),
    archived_at: z.string().nullable().optional(),
    tags: z.array(z.string()).optional().meta({ description: 'Choose handlers by tag.' }),
  })
  .meta({ id: 'EventInput', example: { event_type: 'log_info', log_level: 20, event_data: { message: 'ready' } } });

export const StoredEvent = z
  .object({
    _id: z.string(),
    event_type: z.string(),
    log_level: z.int(),
    alert: z.boolean(),
    event_timestamp: z.string(),
    source,
    event_data: z.unknown(),
    trace_id: z.string().nullable(),
    span_id: z.string().nullable(),
    archived: z.boolean(),
    archived_at: z.string().nullable(),
    tags: z.array(z.string()).optional(),
  })
  .meta({ id: 'Event' });

export const EventMap = z
  .record(z.string(), StoredEvent)
  .meta({ id: 'EventMap', description: 'Events by id; the order of the members is the order of the answer.' });

export const EventPage = z.object({ items: z.array(StoredEvent), next_cursor: z.string().nullable() }).meta({ id: 'EventPage' });

export const EventParams = z.object({ event_id: z.string().meta({ description: 'Without slashes.' }) });

export const EventsQuery = z.object({
  number: count(100, 'How many at most; 0 is all.'),
  offset: bounded(0, { min: 0 }, 'How many to leave out first.'),
  level: level('The lowest log level, as a number or a name.'),
  start_time: time('From this event_timestamp on, compared as text.'),
  end_time: time('Up to this event_timestamp, compared as text.'),
  include_archived: flag(false, 'Whether archived events are listed too.'),
});

export const ArchivedQuery = z.object({
  number: count(100, 'How many at most; 0 is all.'),
  offset: bounded(0, { min: 0 }, 'How many to leave out first.'),
});

export const PurgeQuery = z.object({
  older_than_days: integer(365, 'Only those archived more than so many days ago; 0 is all that were archived here.'),
});

export const SelectorQuery = z.object({
  selector: z.string().optional().meta({ description: 'Read when there is no body: JSON, or the text of a Python dict.' }),
  limit: bounded(null, { min: 1, max: 1000 }, 'Items of a page, 100 when absent; asks for a page, as do the next three.'),
  sort: z.string().optional().meta({ description: 'JSON such as {"event_timestamp":-1}.' }),
  projection: z.string().optional().meta({ description: 'JSON such as {"event_type":1}.' }),
  cursor: z.string().optional().meta({ description: 'next_cursor of the page before.' }),
});

export const ArchiveRequest = z
  .object({
    event_ids: z.array(z.string()).nullable().optional(),
    before_date: z
      .string()
      .nullable()
      .optional()
      .meta({ description: 'Archives what has an event_timestamp before it, compared as text.' }),
    batch_size: z.int().nullable().optional().meta({ description: 'Taken for compatibility; all that fit are archived.' }),
  })
  .meta({ id: 'ArchiveRequest', description: 'One of event_ids and before_date; ids win.' });

export const ArchiveResult = z.object({ archived_count: z.int(), message: z.string() }).meta({ id: 'ArchiveResult' });
export const PurgeResult = z.object({ deleted_count: z.int(), message: z.string() }).meta({ id: 'PurgeResult' });
