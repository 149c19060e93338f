/** What all lists share: pages, cursors and instants (DESIGN section 5). */
import { z } from 'zod';
import { EngineError } from '../../core/errors.ts';
import type { Page, PageRequest } from '../../core/page.ts';
import { jsonText } from './raw-json.ts';

const LIMIT = { min: 1, max: 1000, default: 100 };

/** A whole number in a path or a query. */
function integerText(bounds: { min: number; max: number }, description: string) {
  const range = `A whole number from ${bounds.min} to ${bounds.max}`;
  return z
    .string()
    .regex(/^\d{1,16}$/, range)
    .transform(Number)
    .refine((number) => number >= bounds.min && number <= bounds.max, range)
    .meta({ description, override: { type: 'integer', minimum: bounds.min, maximum: bounds.max } });
}

/** Id of a handler. */
export const HandlerId = integerText({ min: 0, max: 2 ** 31 - 1 }, 'Id of the handler.');

/** `limit` and `cursor` of every list. */
export const pageQuery = {
  limit: integerText(LIMIT, `How many items at most; ${LIMIT.default} when absent.`).optional(),
  cursor: z.string().min(1).max(1000).optional().meta({ description: 'next_cursor of the page before.' }),
};

export function pageRequest({ limit, cursor }: { limit?: number | undefined; cursor?: string | undefined }): PageRequest {
  return { limit: limit ?? LIMIT.default, cursor: cursor ?? null };
}

/** The answer of a list, for the documentation. */
export function listOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), next_cursor: z.string().nullable().meta({ description: 'Null on the last page.' }) });
}

/** The answer of a list; items may hold RawJson. */
export function listText<Item>({ items, nextCursor }: Page<Item>, present: (item: Item) => unknown): string {
  return jsonText({ items: items.map(present), next_cursor: nextCursor });
}

/** A page of a list that lies in memory and loses no items; its cursor is the id of the last item before. */
export function pageOf<Item>(items: readonly Item[], { limit, cursor }: PageRequest, idOf: (item: Item) => string): Page<Item> {
  const start = cursor === null ? 0 : items.findIndex((item) => idOf(item) === cursor) + 1;
  if (cursor !== null && start === 0) throw notOfThisList();
  return slice(items.slice(start), limit, idOf);
}

/** The same for a list by ascending number, whose items may go between two pages. */
export function pageByNumber<Item>(items: readonly Item[], { limit, cursor }: PageRequest, numberOf: (item: Item) => number): Page<Item> {
  if (cursor !== null && !/^\d{1,15}$/.test(cursor)) throw notOfThisList();
  const rest = cursor === null ? items : items.filter((item) => numberOf(item) > Number(cursor));
  return slice(rest, limit, (item) => String(numberOf(item)));
}

function slice<Item>(rest: readonly Item[], limit: number, idOf: (item: Item) => string): Page<Item> {
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: last !== undefined && rest.length > limit ? idOf(last) : null };
}

function notOfThisList(): EngineError {
  return new EngineError('cursor_invalid', 'This cursor is not of this list');
}

const INSTANT = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?$/i;

/** A text in ISO 8601 as milliseconds since the epoch; a date is its first moment, and without an offset it is UTC. */
export const Instant = z
  .string()
  .transform((text, { issues }) => {
    const match = INSTANT.exec(text);
    const needsOffset = text.length > 10 && match?.[1] === undefined;
    const at =
      match === null ? Number.NaN : Date.parse(`${text.toUpperCase().replace(' ', 'T').replace(',', '.')}${needsOffset ? 'Z' : ''}`);
    if (Number.isNaN(at)) issues.push({ code: 'custom', message: 'A time in ISO 8601, such as 2025-03-04T05:06:07Z', input: text });
    return at;
  })
  .meta({ override: { type: 'string', format: 'date-time' } });

/** How instants are answered: ISO 8601 in UTC with milliseconds. */
export const InstantText = z.iso.datetime().meta({ example: '2025-03-04T05:06:07.250Z' });

export function instantText(at: number): string {
  return new Date(at).toISOString();
}

export function instantOrNull(at: number | null): string | null {
  return at === null ? null : instantText(at);
}
