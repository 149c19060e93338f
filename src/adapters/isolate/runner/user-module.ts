import type ivm from 'isolated-vm';

/** The name in the user's stack traces; the guest knows it too. */
export const USER_FILE = 'handler';

export interface SourceProblem {
  message: string;
  line: number | null;
  column: number | null;
}

/** isolated-vm ends the message of a compile error with "[file:line:column]"; other errors have a stack. */
const PLACE = /\s*\[handler:(\d+):(\d+)\]$/;
const FRAME = /\bhandler:(\d+):(\d+)/;
const MAX_CHARS = 2_000;

/** What an error of compiling or evaluating the user's module says to the user. Accepts whatever was thrown. */
export function problemOf(error: unknown): SourceProblem {
  const message = (Error.isError(error) ? `${error.message}` : `thrown value: ${String(error)}`).slice(0, MAX_CHARS);
  const compiling = PLACE.exec(message);
  const found = compiling ?? FRAME.exec(Error.isError(error) ? `${error.stack}` : '');
  const text = compiling === null ? message : message.slice(0, compiling.index);
  return { message: text, line: numberOr(found?.[1]), column: numberOr(found?.[2]) };
}

function numberOr(text: string | undefined): number | null {
  return text === undefined ? null : Number(text);
}

/** Compiles a handler's module; its imports resolve to nothing. */
export async function linkUserModule(isolate: ivm.Isolate, context: ivm.Context, code: string): Promise<ivm.Module> {
  const module = await isolate.compileModule(code, { filename: USER_FILE });
  await module.instantiate(context, refuseImport);
  return module;
}

function refuseImport(specifier: string): never {
  throw new Error(`handlers cannot import modules: "${specifier}"`);
}
