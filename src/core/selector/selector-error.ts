import { EngineError } from '../errors.ts';

export type SelectorErrorCode =
  | 'selector_invalid'
  | 'selector_operator_refused'
  | 'selector_too_large'
  | 'selector_regex_unsupported'
  | 'projection_invalid'
  | 'sort_invalid';

/** A selector, projection or sort order that is refused. `pointer` is a JSON pointer to the place that has to change. */
export class SelectorError extends EngineError {
  readonly pointer: string;

  constructor(code: SelectorErrorCode, pointer: string, message: string) {
    super(code, message, { faults: [{ pointer, detail: message }] });
    this.pointer = pointer;
  }
}

/** The JSON pointer (RFC 6901) of a member below `pointer`. */
export function pointerTo(pointer: string, key: string | number): string {
  return `${pointer}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
