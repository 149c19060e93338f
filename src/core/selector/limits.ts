import { SelectorError } from './selector-error.ts';

/** How large a selector may be. Each bounds time or memory that a single request could take. */
export interface SelectorLimits {
  /** Arrays and objects within each other. */
  depth: number;
  /** Conditions in total, over all levels. */
  clauses: number;
  /** Members of one `$in`, `$nin` or `$all`. */
  listLength: number;
  regexLength: number;
  /** Names in one dotted path. */
  pathLength: number;
}

const DEFAULT_LIMITS: Readonly<SelectorLimits> = {
  depth: 32,
  clauses: 1_000,
  listLength: 10_000,
  regexLength: 1_000,
  pathLength: 100,
};

/** Counts what a parse has used up. */
export class Budget {
  readonly limits: SelectorLimits;
  #clauses = 0;

  constructor(limits: Partial<SelectorLimits>) {
    this.limits = { ...DEFAULT_LIMITS, ...limits };
  }

  spendClause(pointer: string): void {
    if (++this.#clauses > this.limits.clauses)
      tooLarge(pointer, `has more than ${this.limits.clauses} conditions; use $in, or several queries`);
  }

  checkDepth(depth: number, pointer: string): void {
    if (depth > this.limits.depth) tooLarge(pointer, `nests deeper than ${this.limits.depth} levels; flatten it`);
  }

  checkList(length: number, pointer: string): void {
    if (length > this.limits.listLength) tooLarge(pointer, `has a list of more than ${this.limits.listLength} values; split it`);
  }

  checkRegex(length: number, pointer: string): void {
    if (length > this.limits.regexLength) tooLarge(pointer, `has a regular expression of more than ${this.limits.regexLength} characters`);
  }

  checkPath(length: number, pointer: string): void {
    if (length > this.limits.pathLength) tooLarge(pointer, `has a path of more than ${this.limits.pathLength} names`);
  }
}

function tooLarge(pointer: string, what: string): never {
  throw new SelectorError('selector_too_large', pointer, `The selector ${what}`);
}
