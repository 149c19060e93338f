import type { Given } from './event-fields.ts';
import type { EventLimits } from './event-limits.ts';
import { type ExactObject, isObject, memberOf } from './json.ts';
import { notObject, notText, type ValidationIssue, valueIssue } from './validation.ts';

/** The owners in the order in which they are answered (M8). */
export const SOURCE_KEYS = [
  'user_id',
  'experiment_id',
  'campaign_id',
  'project_id',
  'node_id',
  'workcell_id',
  'lab_id',
  'step_id',
  'workflow_id',
  'manager_id',
] as const;

/** Who an event comes from: ids by kind of owner. */
export type EventSource = { [key in (typeof SOURCE_KEYS)[number]]?: string };

const ULID_LENGTH = 26;

/** Crockford's base 32, in either case: no I, L, O and U. */
const IS_ULID_CODE = Uint8Array.from({ length: 128 }, (_, code) =>
  /[0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]/.test(String.fromCharCode(code)) ? 1 : 0,
);

/** Whether a text is a ULID: 26 digits whose first, holding 3 bits, is at most 7. */
export function isUlid(text: string): boolean {
  if (text.length !== ULID_LENGTH || text.charCodeAt(0) > 0x37) return false;
  for (let i = 0; i < ULID_LENGTH; i++) if (IS_ULID_CODE[text.charCodeAt(i)] !== 1) return false;
  return true;
}

/** The known owners that are given and not null; others are dropped. */
export function readSource(value: Given, limits: EventLimits, issues: ValidationIssue[]): EventSource {
  if (value !== undefined && isObject(value)) return readOwners(value, limits, issues);
  issues.push(notObject(['source'], value ?? null));
  return {};
}

function readOwners(owners: ExactObject, limits: EventLimits, issues: ValidationIssue[]): EventSource {
  const source: EventSource = {};
  for (const key of SOURCE_KEYS) {
    const id = memberOf(owners, key);
    if (id === undefined || id === null) continue;
    if (typeof id !== 'string') issues.push(notText(['source', key], id));
    else if (limits.allowAnySourceIds || isUlid(id)) source[key] = id;
    else issues.push(valueIssue(['source', key], `Invalid ULID ${id} for field ${key}`, id));
  }
  return source;
}
