import { parseArgs } from 'node:util';

export interface Options {
  size: 'small' | 'full';
  /** Null: all. */
  only: readonly string[] | null;
  json: string | null;
}

export const USAGE = `npm run bench -- [--size small|full] [--only name,…] [--json file]`;

/** Throws a text for people when an argument is not one of ours. */
export function readOptions(args: readonly string[], names: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: { size: { type: 'string', default: 'full' }, only: { type: 'string' }, json: { type: 'string' } },
  });
  const { size, only, json } = values;
  if (size !== 'small' && size !== 'full') throw new Error(`--size takes small or full\n${USAGE}`);
  const chosen = only?.split(',') ?? null;
  const unknown = chosen?.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`--only takes ${names.join(', ')}; there is no ${unknown}`);
  return { size, only: chosen, json: json ?? null };
}
