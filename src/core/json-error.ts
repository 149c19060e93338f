/** A text that is not JSON; worded and counted as Python's json module does, whose errors MADSci's clients see. */
export class JsonSyntaxError extends Error {
  override readonly name: string = 'JsonSyntaxError';
  /** Python's wording, such as "Expecting ',' delimiter". */
  readonly reason: string;
  /** Where, in code points as Python counts. */
  readonly position: number;

  constructor(reason: string, position: number) {
    super(`${reason}: char ${position}`);
    this.reason = reason;
    this.position = position;
  }
}

/** Arrays and objects nested deeper than the limit. */
export class JsonDepthError extends JsonSyntaxError {
  override readonly name = 'JsonDepthError';

  constructor(maxDepth: number, position: number) {
    super(`Nesting deeper than ${maxDepth} levels`, position);
  }
}

/** A number that no store can keep: NaN, an infinity (also by overflow, as 1e400) or an integer of thousands of digits. */
export class JsonNumberError extends Error {
  override readonly name = 'JsonNumberError';
  /** Keys and indexes that lead to the number. */
  readonly loc: (string | number)[];

  constructor(loc: (string | number)[]) {
    super(`Not a finite number: ${loc.join('.')}`);
    this.loc = loc;
  }
}
