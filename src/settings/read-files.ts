import { readFileSync } from 'node:fs';
import { basename, relative } from 'node:path';
import { parseEnv } from 'node:util';
import type { Tags } from 'yaml';
import { findFile, type Surroundings } from './find-files.ts';
import type { Entry, Fault, Layer } from './layers.ts';

const DOTENV = ['.env', 'event.env', 'events.env'] as const;
const NAMES = ['settings', 'event.settings', 'events.settings'] as const;
const FORMATS = ['json', 'toml', 'yaml'] as const;
type Format = (typeof FORMATS)[number];

interface SourceFile {
  text: string;
  /** For people: from the folder of the settings where it is in there. */
  shown: string;
  /** Whether the other managers of a lab have their settings there too. */
  isShared: boolean;
}

/** What the files say, in their order of precedence, and what is wrong with them. Of files of one format the later name wins, name by name. */
export async function readFiles(around: Surroundings): Promise<{ layers: Layer[]; faults: Fault[] }> {
  const faults: Fault[] = [];
  const layers = [
    mergedLayer(
      'dotenv',
      DOTENV.flatMap((name) => fileEntries(name, around, faults, dotenvEntries)),
    ),
  ];
  for (const format of FORMATS) {
    const files = NAMES.map((name) => `${name}.${format}`).filter((name) => findFile(name, around) !== null);
    const parse = files.length === 0 ? null : await parserOf(format);
    const entries = parse === null ? [] : files.flatMap((name) => fileEntries(name, around, faults, documentEntries(format, parse)));
    layers.push(mergedLayer(format, entries));
  }
  return { layers, faults };
}

function fileEntries(name: string, around: Surroundings, faults: Fault[], parse: (file: SourceFile) => Entry[]): Entry[] {
  const path = findFile(name, around);
  if (path === null) return [];
  const inFolder = relative(around.folder, path);
  const shown = inFolder.startsWith('..') ? path : inFolder;
  try {
    return parse({ text: readFileSync(path, 'utf8'), shown, isShared: /^(\.env|settings\.\w+)$/.test(basename(path)) });
  } catch (error) {
    faults.push({ setting: shown, message: faultText(error) });
    return [];
  }
}

/** Never the text of a parser, which quotes the file: a secret may stand there. */
function faultText(error: unknown): string {
  if (error instanceof NoDocument) return error.message;
  const { code } = error as NodeJS.ErrnoException;
  return `cannot be read${code === undefined ? '' : ` (${code})`}`;
}

class NoDocument extends Error {}

function mergedLayer(kind: Layer['kind'], entries: readonly Entry[]): Layer {
  return { kind, entries: [...new Map(entries.map((entry) => [entry.place.name, entry])).values()] };
}

function dotenvEntries({ text, shown, isShared }: SourceFile): Entry[] {
  return Object.entries(parseEnv(text)).map(([name, value]) => ({
    value,
    place: {
      kind: 'dotenv',
      name,
      file: shown,
      isShared,
      ...lineOf(text, new RegExp(`^\\s*(?:export\\s+)?${RegExp.escape(name)}\\s*=`, 'm')),
    },
  }));
}

const documentEntries =
  (format: Format, parse: (text: string) => unknown) =>
  ({ text, shown, isShared }: SourceFile): Entry[] =>
    Object.entries(documentOf(text, format, parse)).map(([name, value]) => ({
      value,
      place: {
        kind: format,
        name,
        file: shown,
        isShared,
        ...lineOf(text, new RegExp(`(?<![\\w.])${RegExp.escape(name)}["']?\\s*[:=\\]]`)),
      },
    }));

function documentOf(text: string, format: Format, parse: (text: string) => unknown): object {
  let document: unknown;
  try {
    document = text.trim() === '' ? {} : (parse(text) ?? {});
  } catch (error) {
    throw new NoDocument(`is not ${format.toUpperCase()}${lineOfFault(error)}`);
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document)) throw new NoDocument('has to hold names and values');
  return document;
}

/** Each of the parsers says it in its own way. */
function lineOfFault(error: unknown): string {
  const { line, linePos, message = '' } = error as { line?: number; linePos?: [{ line: number }]; message?: string };
  const found = line ?? linePos?.[0].line ?? /\(line (\d+) column \d+\)/.exec(message)?.[1];
  return found === undefined ? '' : ` (line ${found})`;
}

/** The libraries are loaded for who has such a file. */
async function parserOf(format: Format): Promise<(text: string) => unknown> {
  if (format === 'json') return JSON.parse;
  if (format === 'toml') return (await import('smol-toml')).parse;
  const { parse } = await import('yaml');
  return (text) => parse(text, { version: '1.1', customTags: (tags) => tags.map(asOriginal) });
}

/** YAML 1.1 as the original's library reads it: yes and off are booleans, a single y or n is a text. */
function asOriginal(tag: Tags[number]): Tags[number] {
  if (typeof tag === 'string' || tag.collection !== undefined || tag.test === undefined || !tag.tag.endsWith(':bool')) return tag;
  return { ...tag, test: new RegExp(`^(?!.$)${tag.test.source}`) };
}

function lineOf(text: string, pattern: RegExp): { line?: number } {
  const at = pattern.exec(text)?.index;
  if (at === undefined) return {};
  const start = at + (/^\s*/.exec(text.slice(at))?.[0].length ?? 0);
  return { line: text.slice(0, start).split('\n').length };
}
