/** Evaluates selectors with MongoDB's meaning. Compiled to closures, as handler filters run for every event that comes in. */
import type { ExactValue } from '../json-value.ts';
import { isWhole, truncate } from './parse-operands.ts';
import { type LeafArrays, type Path, reaches } from './path.ts';
import { type RegexMode, testerOf } from './regex.ts';
import type { Comparison, FieldTest, Selector } from './selector.ts';
import { bsonType, compareNumbers, compareValues, isNumeric, numeric, rankOf, type ScalarKey, scalarKey } from './values.ts';

export type Matcher = (document: ExactValue) => boolean;

/** Tests one value that a path reaches; undefined where it is missing. */
type ValueTest = (value: ExactValue | undefined) => boolean;

/**
 * A function that tells whether a document matches.
 * `backtracking` lets regexes use look-ahead and back references, whose time has no bound: only where a deadline can kill the thread.
 * Without it such regexes throw SelectorError `selector_regex_unsupported`.
 */
export function compileSelector(selector: Selector, mode: RegexMode = {}): Matcher {
  switch (selector.op) {
    case 'always':
      return () => selector.value;
    case 'field':
      return compileField(selector.path, selector.test, mode);
    case 'and':
      return all(selector.clauses.map((clause) => compileSelector(clause, mode)));
    case 'or':
      return any(selector.clauses.map((clause) => compileSelector(clause, mode)));
    case 'nor': {
      const matches = any(selector.clauses.map((clause) => compileSelector(clause, mode)));
      return (document) => !matches(document);
    }
    default:
      return selector satisfies never;
  }
}

function all<T>(tests: ((value: T) => boolean)[]): (value: T) => boolean {
  const [first, second] = tests;
  if (first === undefined) return () => true;
  if (second === undefined) return first;
  if (tests.length === 2) return (value) => first(value) && second(value);
  return (value) => {
    for (const test of tests) if (!test(value)) return false;
    return true;
  };
}

function any<T>(tests: ((value: T) => boolean)[]): (value: T) => boolean {
  return (value) => {
    for (const test of tests) if (test(value)) return true;
    return false;
  };
}

/** `not` and `every` judge all that the path reaches; each other test holds if any one value passes. */
function compileField(path: Path, test: FieldTest, mode: RegexMode): Matcher {
  if (test.op === 'every') return all(test.tests.map((each) => compileField(path, each, mode)));
  if (test.op === 'not') {
    const matches = all(test.tests.map((each) => compileField(path, each, mode)));
    return (document) => !matches(document);
  }
  const leaf: LeafArrays = test.op === 'size' || test.op === 'elementIs' || test.op === 'elementHas' ? 'whole' : 'elements';
  const passes = compileValueTest(test, mode);
  return (document) => reaches(document, path, leaf, passes);
}

/** The test of a single value, arrays as a whole. */
export function compileValueTest(test: FieldTest, mode: RegexMode = {}): ValueTest {
  switch (test.op) {
    case 'compare':
      return compileComparison(test.how, test.value);
    case 'in':
      return compileIn(test.values);
    case 'exists':
      return (value) => value !== undefined;
    case 'never':
      return () => false;
    case 'every':
      return all(test.tests.map((each) => compileValueTest(each, mode)));
    case 'not': {
      const passes = all(test.tests.map((each) => compileValueTest(each, mode)));
      return (value) => !passes(value);
    }
    default:
      return compileTypedTest(test, mode);
  }
}

type TypedTest = Extract<FieldTest, { op: 'type' | 'size' | 'mod' | 'bits' | 'regex' | 'elementIs' | 'elementHas' }>;

/** Tests that only values of one type can pass. */
function compileTypedTest(test: TypedTest, mode: RegexMode): ValueTest {
  switch (test.op) {
    case 'type':
      return (value) => value !== undefined && test.types.has(bsonType(value));
    case 'size':
      return (value) => Array.isArray(value) && value.length === test.size;
    case 'mod':
      return compileMod(test.divisor, test.remainder);
    case 'bits':
      return compileBits(test);
    case 'regex': {
      const found = testerOf(test.regex, mode, test.pointer);
      return (value) => typeof value === 'string' && found(value);
    }
    case 'elementIs': {
      const passes = all(test.tests.map((each) => compileValueTest(each, mode)));
      return (value) => Array.isArray(value) && value.some(passes);
    }
    case 'elementHas': {
      const matches = compileSelector(test.selector, mode);
      return (value) => Array.isArray(value) && value.some((element) => isContainer(element) && matches(element));
    }
    default:
      return test satisfies never;
  }
}

/** MongoDB takes a list within a list for an object whose members are named by index. */
function isContainer(value: ExactValue): boolean {
  return typeof value === 'object' && value !== null && (Array.isArray(value) || rankOf(value) === OBJECT_RANK);
}

const OBJECT_RANK = rankOf({});

const ACCEPTS: Readonly<Record<Comparison, (order: number) => boolean>> = {
  eq: (order) => order === 0,
  gt: (order) => order > 0,
  gte: (order) => order >= 0,
  lt: (order) => order < 0,
  lte: (order) => order <= 0,
};

/** Only values of the operand's own type compare; missing equals null. */
function compileComparison(how: Comparison, operand: ExactValue): ValueTest {
  const accepts = ACCEPTS[how];
  if (operand === null) return accepts(0) ? (value) => value === null || value === undefined : () => false;
  if (typeof operand === 'string' && how === 'eq') return (value) => value === operand;
  if (isNumeric(operand)) return compileNumericComparison(accepts, numeric(operand));
  const rank = rankOf(operand);
  return (value) => value !== undefined && rankOf(value) === rank && accepts(compareValues(value, operand));
}

/** NaN equals NaN and has no order to other numbers. */
function compileNumericComparison(accepts: (order: number) => boolean, operand: number | bigint): ValueTest {
  if (Number.isNaN(operand)) return accepts(0) ? (value) => Number.isNaN(value) : () => false;
  return (value) => isNumeric(value) && accepts(compareNumbers(numeric(value), operand));
}

/** Scalars, of which there may be thousands, are looked up; objects and arrays are compared one by one. */
function compileIn(values: readonly ExactValue[]): ValueTest {
  const scalars = new Set<ScalarKey>();
  const others: ExactValue[] = [];
  for (const value of values) {
    const key = scalarKey(value);
    if (key === null) others.push(value);
    else scalars.add(key);
  }
  const isOther = any(others.map((value) => compileComparison('eq', value)));
  return (value) => {
    const key = scalarKey(value);
    return key === null ? isOther(value) : scalars.has(key);
  };
}

function compileMod(divisor: bigint, remainder: bigint): ValueTest {
  return (value) => {
    if (!isNumeric(value)) return false;
    const whole = truncate(numeric(value)); // null for what 64 bits do not hold
    return whole !== null && whole % divisor === remainder;
  };
}

function compileBits(test: Extract<FieldTest, { op: 'bits' }>): ValueTest {
  const { how, positions } = test;
  const wanted = how === 'allSet' || how === 'anySet';
  const isOnePass = how === 'anySet' || how === 'anyClear';
  return (value) => {
    if (!isNumeric(value)) return false;
    const number = numeric(value);
    if (!isWhole(number)) return false;
    const bits = BigInt(number);
    const passes = (position: number): boolean => isBitSet(bits, position) === wanted;
    return isOnePass ? positions.some(passes) : positions.every(passes);
  };
}

/** Two's complement: positions from 63 on are the sign. */
function isBitSet(bits: bigint, position: number): boolean {
  return ((bits >> BigInt(Math.min(position, 63))) & 1n) === 1n;
}
