import { stripTypeScriptTypes } from 'node:module';
import { SourceTextModule } from 'node:vm';
import ivm from 'isolated-vm';
import type { CompileResult, Language } from '../../../ports/sandbox.ts';
import { problemOf, type SourceProblem, USER_FILE } from './user-module.ts';

/** Strips types and checks a handler's source without running any of it. */
export function compileSource(code: string, language: Language): CompileResult {
  const stripped = language === 'typescript' ? stripTypes(code) : { javascript: code };
  if (!('javascript' in stripped)) return { ok: false, ...stripped };
  const { javascript } = stripped;
  const problem = syntaxProblem(javascript) ?? moduleProblem(javascript);
  return problem === null ? { ok: true, javascript } : { ok: false, ...problem };
}

function stripTypes(code: string): { javascript: string } | SourceProblem {
  try {
    return { javascript: stripTypeScriptTypes(code, { mode: 'strip' }) };
  } catch (error) {
    return strippingProblem(error, code);
  }
}

/** The stack of such an error starts with ":line", some lines of the source, and carets under the place. */
function strippingProblem(error: unknown, code: string): SourceProblem {
  const message = Error.isError(error) ? error.message : String(error);
  const [first = '', ...snippet] = Error.isError(error) ? (error.stack ?? '').split('\n') : [];
  const line = Number(/:(\d+)$/.exec(first)?.[1] ?? Number.NaN);
  const caret = snippet.find((text) => /^ *\^+ *$/.test(text))?.indexOf('^') ?? -1;
  if (!Number.isInteger(line) || line > code.split('\n').length) return { message, line: null, column: null };
  return { message, line, column: caret < 0 ? null : caret + 1 };
}

/** Syntax errors as V8 finds them. An isolate tells their place, which node:vm does not. */
function syntaxProblem(javascript: string): SourceProblem | null {
  const isolate = new ivm.Isolate({ memoryLimit: 64 });
  try {
    isolate.compileModuleSync(javascript, { filename: USER_FILE });
    return null;
  } catch (error) {
    return problemOf(error);
  } finally {
    if (!isolate.isDisposed) isolate.dispose();
  }
}

/** What is correct JavaScript and still no handler. node:vm only parses here; it evaluates nothing. */
function moduleProblem(javascript: string): SourceProblem | null {
  const module = new SourceTextModule(javascript, { identifier: USER_FILE });
  const [request] = module.moduleRequests;
  if (request !== undefined) return importProblem(javascript, request.specifier);
  if (module.hasTopLevelAwait()) {
    return {
      message: 'await is only possible inside the handler: a module that awaits could be called half loaded',
      ...topLevelAwaitPlace(javascript),
    };
  }
  module.linkRequests([]);
  module.instantiate();
  if ('default' in module.namespace) return null;
  return { message: 'there is no default export: write "export default async function (event, ctx) { … }"', line: null, column: null };
}

function importProblem(javascript: string, specifier: string): SourceProblem {
  const found = [...javascript.matchAll(/\b(?:import|from)\s*(["'])(.*?)\1/g)].find((match) => match[2] === specifier);
  const place = found === undefined ? { line: null, column: null } : placeAt(javascript, found.index);
  return { message: `handlers cannot import modules: "${specifier}"`, ...place };
}

/**
 * V8 tells that a module awaits at its top level, not where. The first such `await` is the last one of the shortest prefix of all
 * awaits that, with all later ones blanked out, still awaits.
 */
function topLevelAwaitPlace(javascript: string): { line: number | null; column: number | null } {
  const places = [...javascript.matchAll(/\bawait\b/g)].map((match) => match.index);
  let [low, high] = [0, places.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (awaitsAtTop(javascript, places.slice(middle + 1))) high = middle;
    else low = middle + 1;
  }
  const found = places[low];
  return found === undefined ? { line: null, column: null } : placeAt(javascript, found);
}

function awaitsAtTop(javascript: string, blanked: number[]): boolean {
  let text = javascript.slice(0, blanked[0]);
  for (const [i, at] of blanked.entries()) {
    const isLoop = /\bfor\s*$/.test(javascript.slice(Math.max(0, at - 20), at));
    text += (isLoop ? '     ' : 'void ') + javascript.slice(at + 5, blanked[i + 1]);
  }
  try {
    return new SourceTextModule(text, { identifier: USER_FILE }).hasTopLevelAwait();
  } catch {
    return true;
  }
}

function placeAt(text: string, index: number): { line: number; column: number } {
  const before = text.slice(0, index).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
