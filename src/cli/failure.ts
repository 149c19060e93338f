/** Something that went wrong in a way that a person can do something about: the message says what. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly exitCode: number;
  /** `exitCode`: 1 for what was tried and failed, 2 for what cannot even be tried. */
  constructor(message: string, exitCode: 1 | 2 = 1, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
