/** The body of POST /events/archive, read as MADSci's model reads it (M13). */
import { readTime } from '../../core/event-fields.ts';
import { Double, type ExactValue, isObject, memberOf } from '../../core/json.ts';
import { notObject, notText, type ValidationIssue, valueIssue } from '../../core/validation.ts';
import { inBody } from '../problem.ts';
import { comparable } from '../query-values.ts';

export type ArchiveOrder = { ids: readonly string[] } | { beforeText: string };

/** Ids win over the date. Throws InvalidRequest with everything that is wrong. */
export function readArchiveRequest(body: ExactValue): ArchiveOrder {
  if (!isObject(body)) throw inBody([notObject([], body)]);
  const issues: ValidationIssue[] = [];
  const ids = readIds(memberOf(body, 'event_ids') ?? null, issues);
  const before = memberOf(body, 'before_date') ?? null;
  const time = before === null ? null : readTime(before, 'before_date', issues);
  checkBatchSize(memberOf(body, 'batch_size'), issues);
  if (issues.length > 0) throw inBody(issues);
  if (ids.length > 0) return { ids };
  if (time !== null) return { beforeText: comparable(time.text) };
  throw inBody([valueIssue([], 'Either event_ids or before_date must be provided', body)]);
}

function readIds(value: ExactValue, issues: ValidationIssue[]): string[] {
  if (value === null) return [];
  if (!Array.isArray(value)) {
    issues.push({ type: 'list_type', loc: ['event_ids'], msg: 'Input should be a valid list', input: value });
    return [];
  }
  const ids: string[] = [];
  for (const [i, id] of value.entries()) {
    if (typeof id === 'string') ids.push(id);
    else issues.push(notText(['event_ids', i], id));
  }
  return ids;
}

const INTEGER_TEXT = /^\s*[-+]?\d+(?:_\d+)*(?:\.0+)?\s*$/;

/** Its value does not matter here: everything is archived in one go (M14). */
function checkBatchSize(value: ExactValue | undefined, issues: ValidationIssue[]): void {
  const fault = batchSizeFault(value);
  if (fault !== null) issues.push({ type: fault[0], loc: ['batch_size'], msg: `Input should be a valid integer${fault[1]}`, input: value });
}

function batchSizeFault(value: ExactValue | undefined): [type: string, why: string] | null {
  if (value === undefined || value === null || typeof value === 'boolean' || typeof value === 'bigint' || value instanceof Double)
    return null;
  if (typeof value === 'number') return Number.isInteger(value) ? null : ['int_from_float', ', got a number with a fractional part'];
  if (typeof value !== 'string') return ['int_type', ''];
  return INTEGER_TEXT.test(value) ? null : ['int_parsing', ', unable to parse string as an integer'];
}
