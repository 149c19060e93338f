import { join } from 'node:path';
import { z } from 'zod';
import type { Scope } from './core/key.ts';
import { inMadsciFolder, type Surroundings } from './settings/find-files.ts';
import { gather, secretLayer } from './settings/gather.ts';
import { environmentLayer, type Fault, type Layer, type Place, placeText } from './settings/layers.ts';
import { EmailAlerts, MADSCI } from './settings/madsci.ts';
import { settingNames } from './settings/names.ts';
import { settingNotes } from './settings/notes.ts';
import { OWN } from './settings/own.ts';
import { shownValue } from './settings/redact.ts';
import { idInRegistry, registryFile } from './settings/registry.ts';
import { type UnknownName, unknownMember, unknownName } from './settings/unknown.ts';

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);
const LOOPBACK_SCOPES: readonly Scope[] = ['events:read', 'events:write'];

/** Every setting: what it takes, its default and what for. docs/settings.md is tested against this. */
export const SETTINGS = z.object({ ...OWN, ...MADSCI });
export const NAMES = settingNames(Object.keys(OWN), Object.keys(MADSCI));
/** Shown to nobody. */
const SECRETS: ReadonlySet<string> = new Set(['EVENT_DB_URL', 'ADMIN_KEY', 'SMTP_URL']);
/** May be given as the path of a file that holds them, as NAME_FILE. */
export const FILE_SECRETS: ReadonlySet<string> = new Set(['EVENT_DB_URL', 'ADMIN_KEY', 'SMTP_URL', 'EVENT_EMAIL_ALERTS__SMTP_PASSWORD']);

type Settings = z.infer<typeof SETTINGS>;
export interface Config extends Omit<Settings, 'ALLOW_ANONYMOUS' | 'EXPORT_DIR'> {
  readonly EXPORT_DIR: string;
  /** The id that MADSci's Event Manager had here; null when there was none, or it is not to be looked for. */
  readonly registeredId: string | null;
  readonly anonymousScopes: readonly Scope[];
  readonly isLoopback: boolean;
}

/** What all sources together say. */
export interface Reading {
  /** Null when something is wrong. */
  config: Config | null;
  faults: Fault[];
  unknown: UnknownName[];
  /** Settings that are understood, but do not do what somebody may expect. */
  notes: string[];
  /** Where each setting that is given was found. */
  places: ReadonlyMap<string, Place>;
}

export interface ReadOptions {
  readFile(path: string): string;
  /** Absent: paths are left as they are given. */
  around?: Surroundings;
  /** Of reading the layers. */
  faults?: readonly Fault[];
}

/** Reads the settings from layers, the first of which wins. */
export function readLayers(layers: readonly Layer[], { readFile, around, faults = [] }: ReadOptions): Reading {
  const isEarly = ({ kind }: Layer): boolean => kind === 'option' || kind === 'environment' || kind === 'dotenv';
  const secrets = secretLayer(layers.filter(isEarly), FILE_SECRETS, readFile);
  const ordered = [...layers.filter(isEarly), secrets.layer, ...layers.filter((layer) => !isEarly(layer))];
  const plain = ordered.map((layer) => ({ ...layer, entries: layer.entries.filter(({ place }) => !isFileSecret(place.name)) }));
  const { given, places, ...gathered } = gather(plain, { names: NAMES, objects: new Set(['EMAIL_ALERTS']) });
  listenByUrl(given, places);
  const parsed = SETTINGS.safeParse(given);
  const unknown = [...gathered.unknown.flatMap((place) => unknownName(place, NAMES.all) ?? []), ...unknownMembers(given, places)];
  const found = [
    ...faults,
    ...unknown.filter(({ place }) => place.kind === 'option'),
    ...secrets.faults,
    ...gathered.faults,
    ...(parsed.error?.issues ?? []).map((issue) => faultOf(issue, places)),
  ];
  return {
    config: parsed.success && found.length === 0 ? configOf(parsed.data, around) : null,
    faults: found,
    unknown: unknown.filter(({ place }) => place.kind !== 'option'),
    notes: parsed.success ? settingNotes(parsed.data, places) : [],
    places,
  };
}

/** Every setting as it may be shown to people, by its name. */
export function shownSettings(config: Config): Record<string, unknown> {
  const values: Readonly<Record<string, unknown>> = { ...config, ALLOW_ANONYMOUS: config.anonymousScopes };
  return Object.fromEntries(Object.keys(SETTINGS.shape).map((name) => [name, shownValue(values[name], SECRETS.has(name))]));
}

/** Reads the settings from the environment alone. Throws a text that names every setting at fault, what it takes, and never a secret's value. */
export function readConfig(env: Readonly<Record<string, string | undefined>>, readFile: (path: string) => string): Config {
  const { config, faults } = readLayers([environmentLayer(env)], { readFile });
  if (config === null) throw new Error(explain(faults));
  return config;
}

export function explain(faults: readonly Fault[]): string {
  return `Some settings cannot be used:\n${faults.map(faultLine).join('\n')}\nEach is explained in docs/settings.md.`;
}

export function faultLine({ setting, message, place }: Fault): string {
  return `  ${setting}: ${message}${place === undefined ? '' : ` (${placeText(place)})`}`;
}

function configOf({ ALLOW_ANONYMOUS, EXPORT_DIR, ...settings }: Settings, around: Surroundings | undefined): Config {
  const isLoopback = LOOPBACK.has(settings.HOST);
  // Behind a proxy everybody comes from loopback: a public address means that the world is outside.
  const isPrivate = isLoopback && (settings.PUBLIC_URL === undefined || LOOPBACK.has(new URL(settings.PUBLIC_URL).hostname));
  return Object.freeze({
    ...settings,
    BACKUP_DIR: around === undefined ? settings.BACKUP_DIR : inMadsciFolder(settings.BACKUP_DIR, around),
    registeredId:
      around !== undefined && settings.ENABLE_REGISTRY_RESOLUTION ? idInRegistry(registryFile(around), settings.MANAGER_NAME) : null,
    EXPORT_DIR: EXPORT_DIR ?? join(settings.DATA_DIR, 'exports'),
    isLoopback,
    anonymousScopes: ALLOW_ANONYMOUS ?? (isPrivate ? LOOPBACK_SCOPES : []),
  });
}

/** MADSci says by its own URL where it listens; our names say it more exactly, and win. */
function listenByUrl(given: Record<string, unknown>, places: Map<string, Place>): void {
  const place = places.get('SERVER_URL');
  const url = typeof given['SERVER_URL'] === 'string' ? URL.parse(given['SERVER_URL']) : null;
  if (url === null || place === undefined || !/^https?:$/.test(url.protocol)) return;
  const listen = { HOST: url.hostname.replaceAll(/[[\]]/g, ''), PORT: url.port || (url.protocol === 'https:' ? '443' : '80') };
  for (const [name, value] of Object.entries(listen)) {
    if (given[name] !== undefined) continue;
    given[name] = value;
    places.set(name, place);
  }
}

function faultOf({ path, message }: z.core.$ZodIssue, places: ReadonlyMap<string, Place>): Fault {
  const [setting = '', ...members] = path.map(String);
  const place = places.get(`${setting}.${members[0]}`) ?? places.get(setting);
  return { setting: [NAMES.shown(setting), ...members].join('.'), message, ...(place === undefined ? {} : { place }) };
}

const isFileSecret = (name: string): boolean => name.endsWith('_FILE') && FILE_SECRETS.has(name.slice(0, -'_FILE'.length));

function unknownMembers(given: Readonly<Record<string, unknown>>, places: ReadonlyMap<string, Place>): UnknownName[] {
  const known = Object.keys(EmailAlerts.shape);
  return Object.keys((given['EMAIL_ALERTS'] ?? {}) as object).flatMap((member) => {
    const place = places.get(`EMAIL_ALERTS.${member}`);
    return known.includes(member) || place === undefined ? [] : unknownMember(member, place, known);
  });
}
