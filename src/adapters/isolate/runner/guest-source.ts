import { readdirSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import type { Context, Isolate, Module } from 'isolated-vm';

const FOLDER = new URL('../guest/', import.meta.url);
const ENTRY = './main.ts';
/** Shared by both sides of the boundary. */
const SHARED = ['../lane-memory.ts'];
let sources: Map<string, string> | null = null;

/** Compiles the guest in this isolate and runs its top level. Answers its module, whose exports are ours alone. */
export function installGuest(isolate: Isolate, context: Context): Module {
  sources ??= readSources();
  const compiled = new Map<string, Module>();
  for (const [name, code] of sources) compiled.set(name, isolate.compileModuleSync(code, { filename: 'engine' }));
  const moduleOf = (name: string): Module => {
    const found = compiled.get(name);
    if (found === undefined) throw new Error(`the guest has no file ${name}`);
    return found;
  };
  const entry = moduleOf(ENTRY);
  entry.instantiateSync(context, moduleOf);
  entry.evaluateSync();
  return entry;
}

/** The guest's files by the name under which they import each other; it is one folder deep. */
function readSources(): Map<string, string> {
  const own = readdirSync(FOLDER).filter((name) => name.endsWith('.ts'));
  const names = [...own.map((name) => `./${name}`), ...SHARED];
  return new Map(names.map((name) => [name, stripTypeScriptTypes(readFileSync(new URL(name, FOLDER), 'utf8'))]));
}
