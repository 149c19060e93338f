import { parseArgs } from 'node:util';
import type { StoreName } from './store.ts';

export interface Options {
  size: 'small' | 'full';
  /** Null: all. */
  only: readonly string[] | null;
  json: string | null;
  store: StoreName;
}

export const USAGE = `npm run bench -- [--size small|full] [--store sqlite|mongodb] [--only name,…] [--json file]`;

/** Throws a text for people when an argument is not one of ours. */
export function readOptions(args: readonly string[], namesOf: (store: StoreName) => readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      size: { type: 'string', default: 'full' },
      store: { type: 'string', default: 'sqlite' },
      only: { type: 'string' },
      json: { type: 'string' },
    },
  });
  const { size, only, json, store } = values;
  if (size !== 'small' && size !== 'full') throw new Error(`--size takes small or full\n${USAGE}`);
  if (store !== 'sqlite' && store !== 'mongodb') throw new Error(`--store takes sqlite or mongodb\n${USAGE}`);
  const names = namesOf(store);
  const chosen = only?.split(',') ?? null;
  const unknown = chosen?.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`--only takes ${names.join(', ')}; there is no ${unknown}`);
  return { size, only: chosen, json: json ?? null, store };
}
