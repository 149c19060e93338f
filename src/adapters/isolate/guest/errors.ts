import type { ExecutionError, FailureReason } from '../../../core/execution.ts';
import { headline, show } from './show.ts';
import { clip } from './text.ts';

/** The name under which the user's module is compiled: stack frames of other files are not the user's business. */
const USER_FILE = 'handler';

export interface Place {
  line: number | null;
  column: number | null;
}
const NOWHERE: Place = { line: null, column: null };

interface Frame {
  getFileName(): string | null | undefined;
  getFunctionName(): string | null;
  getLineNumber(): number | null;
  getColumnNumber(): number | null;
}

const places = new WeakMap<object, Place>();
/** Errors the engine itself threw into the handler, and the reason they stand for when nobody catches them. */
const refusals = new WeakMap<object, FailureReason>();
const stackGetter = Object.getOwnPropertyDescriptor(new Error(), 'stack')?.get;

/** Makes every stack text of this realm consist of the user's frames. V8 calls it once per error, on the first look at its stack. */
export function installStackTraces(): void {
  Error.stackTraceLimit = 20;
  Error.prepareStackTrace = (error: unknown, frames: unknown): string => {
    const own = (frames as Frame[]).filter((frame) => frame.getFileName() === USER_FILE);
    const top = own[0];
    if (typeof error !== 'object' || error === null) return '';
    if (top !== undefined) places.set(error, { line: top.getLineNumber(), column: top.getColumnNumber() });
    return [headline(error), ...own.map(frameText)].join('\n');
  };
}

function frameText(frame: Frame): string {
  const place = `${USER_FILE}:${frame.getLineNumber()}:${frame.getColumnNumber()}`;
  const name = frame.getFunctionName();
  return name === null || name === '' ? `    at ${place}` : `    at ${name} (${place})`;
}

/** Where in the user's source this error was made. */
function placeOf(error: object): Place {
  if (stackGetter !== undefined) Reflect.apply(stackGetter, error, []);
  return places.get(error) ?? NOWHERE;
}

/** Where in the user's source the call into the engine that is now running came from. */
export function callerPlace(): Place {
  return placeOf(new Error());
}

/** An error that ends an execution with `reason` unless the handler catches it. Made at the call, so that it has the caller's place. */
export function refusal(reason: FailureReason, message: string): Error {
  return markRefusal(new Error(message), reason, message);
}

export function markRefusal(error: Error, reason: FailureReason, message: string): Error {
  Object.defineProperty(error, 'message', { value: message, writable: true, configurable: true });
  refusals.set(error, reason);
  return error;
}

const INSTEAD: Record<string, string> = {
  setTimeout: 'await ctx.sleep(ms) waits',
  setInterval: 'await ctx.sleep(ms) waits',
  setImmediate: 'await ctx.sleep(0) lets others run',
  queueMicrotask: 'Promise.resolve().then(…) does the same',
  require: 'handlers cannot load modules',
  process: 'a handler has no process; settings come in ctx.config',
  Buffer: 'use Uint8Array',
  fetch: 'handlers have no network',
  WebAssembly: 'it is switched off here',
  SharedArrayBuffer: 'it is switched off here',
  Atomics: 'it is switched off here',
};

/** What anything that came out of a handler by `throw` or rejection means as a failure. Itself never throws. */
export function failureOf(thrown: unknown, maxBytes: number): ExecutionError {
  if (!isErrorObject(thrown)) return { reason: 'thrown', message: clip(thrownText(thrown, maxBytes), maxBytes), ...NOWHERE };
  const text = headline(thrown);
  const missing = /^ReferenceError: (\w+) is not defined$/.exec(text)?.[1];
  const hint = missing !== undefined && Object.hasOwn(INSTEAD, missing) ? ` (${INSTEAD[missing]})` : '';
  return { reason: refusals.get(thrown) ?? 'thrown', message: clip(`${text}${hint}`, maxBytes), ...placeOf(thrown) };
}

function isErrorObject(value: unknown): value is Error {
  return Error.isError(value);
}

function thrownText(value: unknown, maxBytes: number): string {
  return typeof value === 'string' ? value : `thrown value: ${show(value, maxBytes)}`;
}
