import type { Entry, Fault, Layer, Place } from './layers.ts';
import type { Names } from './names.ts';

export interface Gathered {
  /** What was given for each setting. Undefined and empty texts were not; null says that there is to be none. */
  given: Record<string, unknown>;
  /** By setting, and by `SETTING.member`. */
  places: Map<string, Place>;
  unknown: Place[];
  faults: Fault[];
}
export interface GatherOptions {
  names: Names;
  /** Settings that are objects, whose members are merged over all layers. */
  objects: ReadonlySet<string>;
}
interface Candidate {
  setting: string;
  rank: number;
  path: readonly string[];
  value: unknown;
  place: Place;
}

/** One value for each setting: that of its first name, and of that the first layer's; of objects, member by member. */
export function gather(layers: readonly Layer[], { names, objects }: GatherOptions): Gathered {
  const gathered: Gathered = { given: {}, places: new Map(), unknown: [], faults: [] };
  const bySetting = new Map<string, Candidate[]>();
  for (const { kind, entries } of layers) {
    const layer: Candidate[] = [];
    for (const { value, place } of entries) {
      const isEnvironment = kind === 'environment' || kind === 'dotenv' || kind === 'secret';
      const meaning = isEnvironment ? names.inEnvironment(place.name) : names.inDocument(place.name);
      if (meaning === null) gathered.unknown.push(place);
      else if (value !== undefined && value !== '') layer.push({ ...meaning, value: value === 'null' ? null : value, place });
    }
    // Members beside the whole object add to it; of two names for the same the one with the prefix is meant more.
    layer.sort((a, b) => b.path.length - a.path.length || b.place.name.length - a.place.name.length);
    for (const one of layer) bySetting.set(one.setting, [...(bySetting.get(one.setting) ?? []), one]);
  }
  for (const [setting, candidates] of bySetting) {
    if (objects.has(setting)) gatherObject(setting, candidates, gathered);
    else gatherScalar(setting, candidates, gathered);
  }
  return gathered;
}

function gatherScalar(setting: string, candidates: readonly Candidate[], { given, places, unknown }: Gathered): void {
  unknown.push(...candidates.filter(({ path }) => path.length > 0).map(({ place }) => place));
  const whole = candidates.filter(({ path }) => path.length === 0);
  const best = Math.min(...whole.map(({ rank }) => rank));
  const first = whole.find(({ rank }) => rank === best);
  if (first === undefined) return;
  given[setting] = first.value;
  places.set(setting, first.place);
}

/** From the last layer to the first, so that what comes later is laid over what was there. */
function gatherObject(setting: string, candidates: readonly Candidate[], { given, places, faults }: Gathered): void {
  for (const { path, value, place } of candidates.toReversed()) {
    const whole = path.length === 0 ? objectOf(value) : { [path.join('.')]: value };
    places.set(setting, place);
    if (whole === null && value !== null) faults.push({ setting, message: 'takes a JSON object', place });
    const under = given[setting];
    given[setting] = whole === null || under === null || under === undefined ? whole : { ...under, ...whole };
    for (const member of Object.keys(whole ?? {})) places.set(`${setting}.${member}`, place);
  }
}

function objectOf(value: unknown): Record<string, unknown> | null {
  if (typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown> | null;
  if (typeof value !== 'string') return null;
  try {
    const parsed: unknown = JSON.parse(value);
    return typeof parsed === 'object' && !Array.isArray(parsed) ? (parsed as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** Secrets that are in files of their own: NAME_FILE has the path. What cannot be read is a fault. */
export function secretLayer(
  layers: readonly Layer[],
  secrets: ReadonlySet<string>,
  readFile: (path: string) => string,
): { layer: Layer; faults: Fault[] } {
  const faults: Fault[] = [];
  const entries = layers
    .flatMap((layer) => layer.entries)
    .flatMap(({ value, place }): Entry[] => {
      const name = place.name.replace(/_FILE$/, '');
      if (!place.name.endsWith('_FILE') || !secrets.has(name) || typeof value !== 'string' || value === '') return [];
      try {
        return [{ value: readFile(value).trim(), place: { ...place, kind: 'secret', name, file: value } }];
      } catch {
        faults.push({ setting: place.name, message: `the file ${value} cannot be read.`, place });
        return [];
      }
    });
  return { layer: { kind: 'secret', entries }, faults };
}
