/** The part of a selector below a field name: a value to be equal to, or operators. */
import { type ExactObject, type ExactValue, isObject, memberOf, membersOf } from '../json-value.ts';
import { parseBits, parseMod, parseSize, parseTypes } from './parse-operands.ts';
import { invalid, literal, type Place, refused, within } from './parse-place.ts';
import { regexOf } from './regex.ts';
import type { Comparison, FieldTest, Selector } from './selector.ts';
import { isNumeric, numeric } from './values.ts';

/** `$elemMatch` may hold a whole selector; handed in, as the selector parser is built on this file. */
export type ParseElementSelector = (value: ExactObject, place: Place) => Selector;

export function parseFieldTest(operand: ExactValue, place: Place, parseElements: ParseElementSelector): FieldTest {
  if (!isExpression(operand)) {
    place.budget.spendClause(place.pointer);
    return { op: 'compare', how: 'eq', value: literal(operand, place) };
  }
  const tests = parseOperators(operand, place, parseElements);
  return tests.length === 1 && tests[0] !== undefined ? tests[0] : { op: 'every', tests };
}

/** Like MongoDB, goes by the first name: {"b":1,"$gt":1} and a database reference are values. */
function isExpression(value: ExactValue): value is ExactObject {
  const first = firstName(value);
  return first?.startsWith('$') === true && isObject(value) && !isDatabaseReference(value);
}

function firstName(value: ExactValue): string | undefined {
  if (!isObject(value)) return undefined;
  for (const [name] of membersOf(value)) return name;
  return undefined;
}

function isDatabaseReference(value: ExactObject): boolean {
  return typeof memberOf(value, '$ref') === 'string' && memberOf(value, '$id') !== undefined;
}

function parseOperators(operators: ExactObject, place: Place, parseElements: ParseElementSelector): FieldTest[] {
  place.budget.checkDepth(place.depth, place.pointer);
  const tests: FieldTest[] = [];
  for (const [name, operand] of membersOf(operators)) {
    const at = within(place, name);
    place.budget.spendClause(at.pointer);
    if (name === '$regex') tests.push(parseRegex(operand, memberOf(operators, '$options'), at));
    else if (name === '$options') requireRegex(operators, at);
    else tests.push(parseOperator(name, operand, at, parseElements));
  }
  return tests;
}

function parseRegex(source: ExactValue, options: ExactValue | undefined, place: Place): FieldTest {
  if (typeof source !== 'string') throw invalid(place, '$regex takes a text');
  if (options !== undefined && (typeof options !== 'string' || !/^[imsxu]*$/.test(options))) {
    throw invalid(place, '$options takes a text made of the letters i, m, s and x');
  }
  place.budget.checkRegex(source.length, place.pointer);
  return { op: 'regex', regex: regexOf(source, options ?? '', place.pointer), pointer: place.pointer };
}

function requireRegex(operators: ExactObject, place: Place): void {
  if (memberOf(operators, '$regex') === undefined) throw invalid(place, '$options needs a $regex beside it');
}

const COMPARISONS: Readonly<Record<string, Comparison>> = { $eq: 'eq', $gt: 'gt', $gte: 'gte', $lt: 'lt', $lte: 'lte' };

function parseOperator(name: string, operand: ExactValue, place: Place, parseElements: ParseElementSelector): FieldTest {
  const how = COMPARISONS[name];
  if (how !== undefined) return { op: 'compare', how, value: literal(operand, place) };
  switch (name) {
    case '$ne':
      return not({ op: 'compare', how: 'eq', value: literal(operand, place) });
    case '$in':
      return parseIn(name, operand, place);
    case '$nin':
      return not(parseIn(name, operand, place));
    case '$exists':
      return isTruthy(operand) ? { op: 'exists' } : not({ op: 'exists' });
    case '$not':
      return parseNot(operand, place, parseElements);
    case '$all':
      return parseAll(operand, place, parseElements);
    case '$elemMatch':
      return parseElemMatch(operand, place, parseElements);
    default:
      return parseSimple(name, operand, place);
  }
}

/** Operators whose operand is only numbers or names. */
function parseSimple(name: string, operand: ExactValue, place: Place): FieldTest {
  switch (name) {
    case '$type':
      return { op: 'type', types: parseTypes(operand, place) };
    case '$size':
      return { op: 'size', size: parseSize(operand, place) };
    case '$mod':
      return parseMod(operand, place);
    case '$bitsAllSet':
      return { op: 'bits', how: 'allSet', positions: parseBits(name, operand, place) };
    case '$bitsAnySet':
      return { op: 'bits', how: 'anySet', positions: parseBits(name, operand, place) };
    case '$bitsAllClear':
      return { op: 'bits', how: 'allClear', positions: parseBits(name, operand, place) };
    case '$bitsAnyClear':
      return { op: 'bits', how: 'anyClear', positions: parseBits(name, operand, place) };
    default:
      if (!name.startsWith('$')) throw invalid(place, 'A plain name cannot stand beside operators; write a path such as "a.b"');
      throw refused(place, name, 'is not an operator that can stand below a field');
  }
}

const not = (test: FieldTest): FieldTest => ({ op: 'not', tests: [test] });

/** MongoDB's truth: 0 and null are false, any text is true. */
function isTruthy(value: ExactValue): boolean {
  if (isNumeric(value)) return Number(numeric(value)) !== 0;
  return value !== false && value !== null;
}

function parseIn(name: string, operand: ExactValue, place: Place): FieldTest {
  return { op: 'in', values: parseList(name, operand, place, 'use $or for operators') };
}

function parseList(
  name: string,
  operand: ExactValue,
  place: Place,
  remedy: string,
  isRefused: (value: ExactValue) => boolean = isExpression,
): ExactValue[] {
  if (!Array.isArray(operand)) throw invalid(place, `${name} takes a list`);
  place.budget.checkList(operand.length, place.pointer);
  operand.forEach((value, index) => {
    if (isRefused(value)) throw invalid(within(place, index), `${name} takes values only; ${remedy}`);
  });
  literal(operand, place);
  return operand;
}

const FIELD_OPERATOR =
  /^\$(?:eq|ne|gte?|lte?|n?in|exists|type|regex|options|all|elemMatch|size|mod|bits(?:All|Any)(?:Set|Clear)|near|nearSphere|geoNear|geoWithin|geoIntersects|within)$/;

/** Unlike $in, $all takes an object for a value unless it begins with an operator that MongoDB has below a field. */
function isFieldExpression(value: ExactValue): boolean {
  return FIELD_OPERATOR.test(firstName(value) ?? '');
}

function parseNot(operand: ExactValue, place: Place, parseElements: ParseElementSelector): FieldTest {
  if (!isObject(operand) || firstName(operand) === undefined)
    throw invalid(place, '$not takes operators, such as {"$gt":5}; use $ne for a value');
  return { op: 'not', tests: parseOperators(operand, place, parseElements) };
}

function parseAll(operand: ExactValue, place: Place, parseElements: ParseElementSelector): FieldTest {
  if (!Array.isArray(operand)) throw invalid(place, '$all takes a list');
  if (operand.length === 0) return { op: 'never' };
  if (operand[0] !== undefined && firstName(operand[0]) === '$elemMatch') {
    return { op: 'every', tests: operand.map((each, index) => parseAllElemMatch(each, within(place, index), parseElements)) };
  }
  const values = parseList('$all', operand, place, 'or $elemMatch in every member', isFieldExpression);
  return { op: 'every', tests: values.map((value) => ({ op: 'compare', how: 'eq', value })) };
}

function parseAllElemMatch(member: ExactValue, place: Place, parseElements: ParseElementSelector): FieldTest {
  const operand = isObject(member) && [...membersOf(member)].length === 1 ? memberOf(member, '$elemMatch') : undefined;
  if (operand === undefined) throw invalid(place, 'Either all members of $all are {"$elemMatch":…} or none is');
  place.budget.spendClause(place.pointer);
  return parseElemMatch(operand, within(place, '$elemMatch'), parseElements);
}

const LOGIC = new Set(['$and', '$or', '$nor', '$comment', '$alwaysTrue', '$alwaysFalse']);

/** Operators test each element itself; a selector tests elements that are objects. */
function parseElemMatch(operand: ExactValue, place: Place, parseElements: ParseElementSelector): FieldTest {
  if (!isObject(operand)) throw invalid(place, '$elemMatch takes an object of operators, or a selector');
  if (isExpression(operand) && !LOGIC.has(firstName(operand) ?? '')) {
    return { op: 'elementIs', tests: parseOperators(operand, place, parseElements) };
  }
  return { op: 'elementHas', selector: parseElements(operand, place) };
}
