import type { ExactValue } from '../json-value.ts';
import type { Path } from './path.ts';
import type { Regex } from './regex.ts';

export type Comparison = 'eq' | 'gt' | 'gte' | 'lt' | 'lte';
type BitTest = 'allSet' | 'anySet' | 'allClear' | 'anyClear';

/** A test of the values that a path reaches. `$ne`, `$nin` and `$exists: false` are `not` of their opposites, as in MongoDB. */
export type FieldTest =
  | { op: 'compare'; how: Comparison; value: ExactValue }
  | { op: 'in'; values: readonly ExactValue[] }
  | { op: 'exists' }
  | { op: 'type'; types: ReadonlySet<number> }
  | { op: 'size'; size: number }
  | { op: 'mod'; divisor: bigint; remainder: bigint }
  | { op: 'bits'; how: BitTest; positions: readonly number[] }
  | { op: 'regex'; regex: Regex; pointer: string }
  | { op: 'elementIs'; tests: readonly FieldTest[] }
  | { op: 'elementHas'; selector: Selector }
  | { op: 'not'; tests: readonly FieldTest[] }
  | { op: 'every'; tests: readonly FieldTest[] }
  | { op: 'never' };

/** A selector that has passed the whitelist and the limits; only `parseSelector` makes one. */
export type Selector =
  | { op: 'and' | 'or' | 'nor'; clauses: readonly Selector[] }
  | { op: 'always'; value: boolean }
  | { op: 'field'; path: Path; test: FieldTest };
