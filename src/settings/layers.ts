/** Where a value was found. */
export interface Place {
  kind: Kind;
  /** As it is written there. */
  name: string;
  /** Path of the file, if it is in one. */
  file?: string;
  line?: number;
  /** Whether other programs have their settings there too, so that a name that we do not know means nothing. */
  isShared: boolean;
}
type Kind = 'option' | 'environment' | 'dotenv' | 'secret' | 'json' | 'toml' | 'yaml';

export interface Entry {
  value: unknown;
  place: Place;
}
/** One source of settings. The earlier of two layers wins. */
export interface Layer {
  kind: Kind;
  entries: readonly Entry[];
}
/** Something that a person has to put right, and where. */
export interface Fault {
  setting: string;
  message: string;
  place?: Place;
}

export function environmentLayer(env: Readonly<Record<string, string | undefined>>): Layer {
  const entries = Object.entries(env).flatMap(([name, value]) =>
    value === undefined ? [] : [{ value, place: { kind: 'environment' as const, name, isShared: true } }],
  );
  return { kind: 'environment', entries };
}

/** For people: `environment`, or the file and its line. */
export function placeText({ kind, file, line }: Place): string {
  if (file === undefined) return kind === 'option' ? 'command line' : kind;
  return line === undefined ? file : `${file}, line ${line}`;
}

/** `--name value`, `--name=value`, and `--name` alone for true. */
export function optionLayer(args: readonly string[]): { layer: Layer; faults: Fault[] } {
  const entries: Entry[] = [];
  const faults: Fault[] = [];
  for (let index = 0; index < args.length; index++) {
    const [, name, given] = /^--([^=]+)(?:=([\s\S]*))?$/.exec(args[index] ?? '') ?? [];
    if (name === undefined) {
      faults.push({ setting: args[index] ?? '', message: 'is no option; settings are given as --name value' });
      continue;
    }
    const next = args[index + 1];
    const isNext = given === undefined && next !== undefined && !next.startsWith('--');
    if (isNext) index++;
    entries.push({ value: given ?? (isNext ? next : 'true'), place: { kind: 'option', name, isShared: false } });
  }
  return { layer: { kind: 'option', entries }, faults };
}
