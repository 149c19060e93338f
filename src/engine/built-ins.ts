import type { Handler, HandlerVersion } from '../core/handler.ts';
import type { Scope } from '../core/key.ts';
import type { KeyStore } from '../ports/key-store.ts';
import type { HandlerRegistration, LiveHandlers } from './handlers.ts';
import { isServiceKey, type OwnedKeyRing } from './keys.ts';

/** A handler that comes with the server: an ordinary one, registered at a start instead of by a person. */
export interface BuiltIn {
  hook: string;
  name: string;
  /** What its key may do, and nothing else. */
  scopes: readonly Scope[];
  /** What it is under the settings of this start; null: these do not ask for it. */
  wanted: Omit<HandlerRegistration, 'hook' | 'name' | 'enabled'> | null;
}

export interface BuiltInsOptions {
  store: Pick<KeyStore, 'setting' | 'exchangeSetting'>;
  keys: Pick<OwnedKeyRing, 'ensureServiceKey' | 'liveScopes'>;
  handlers: Pick<LiveHandlers, 'list' | 'find' | 'register' | 'deregister' | 'refresh'>;
}

/** In the record of a built-in handler instead of its id: another handler had its name first, or it is not wanted at present. */
const TAKEN = 'taken';
const NONE = 'none';

/**
 * Registers, upgrades and takes back the handlers that come with the server. Each has a record in the store, which says under which id it
 * was registered. From then on the first word is with people: one that was replaced, rolled back, switched off or deregistered, or whose
 * key was revoked, is left as it is for ever, by this release and by later ones.
 *
 *   no record, none ── wanted ──▶ id ── not wanted, untouched ──▶ none
 *        └── the name is taken ──▶ taken
 *
 * Call it in the start turn: several servers on one store must not do this at the same time.
 */
export async function installBuiltIns(options: BuiltInsOptions, builtIns: readonly BuiltIn[]): Promise<void> {
  if (builtIns.length > 0) await options.handlers.refresh();
  for (const builtIn of builtIns) await install(options, builtIn);
}

async function install(options: BuiltInsOptions, builtIn: BuiltIn): Promise<void> {
  const { handlers } = options;
  const record = await readRecord(options, builtIn);
  if (record.value === TAKEN) return;
  const known = record.id === null ? sameName(options, builtIn) : handlers.find(record.id);
  if (known === null) return record.id === null ? register(options, builtIn, record) : undefined; // else a person deregistered it
  if (!isOwn(known, builtIn)) return record.id === null ? giveWay(options, builtIn, record) : undefined; // else a person replaced it
  // A start that ended between registering and writing the record.
  const own = record.id === null ? await claim(options, builtIn, record, known) : record;
  if (!isUntouched(options, known)) return;
  if (builtIn.wanted === null) await takeBack(options, builtIn, own, known);
  else await upgrade(options, builtIn, known);
}

async function register(options: BuiltInsOptions, builtIn: BuiltIn, record: StoredRecord): Promise<void> {
  const handler = await put(options, builtIn);
  if (handler !== null) await writeRecord(options, builtIn, record, String(handler.id));
}

async function giveWay(options: BuiltInsOptions, builtIn: BuiltIn, record: StoredRecord): Promise<void> {
  if (builtIn.wanted !== null) await writeRecord(options, builtIn, record, TAKEN);
}

async function upgrade(options: BuiltInsOptions, builtIn: BuiltIn, known: Handler): Promise<void> {
  const { wanted } = builtIn;
  const { keyId } = await options.keys.ensureServiceKey(builtIn.name, builtIn.scopes);
  if (wanted !== null && (textOf(wanted) !== textOf(known.current) || keyId !== known.current.keyId)) await put(options, builtIn);
}

/** The record goes first: a handler without one is known by its key, while a record without a handler means that a person removed it. */
async function takeBack(options: BuiltInsOptions, builtIn: BuiltIn, record: StoredRecord, known: Handler): Promise<void> {
  await writeRecord(options, builtIn, record, NONE);
  await options.handlers.deregister(known.id, await options.keys.ensureServiceKey(builtIn.name, builtIn.scopes));
}

async function put({ keys, handlers }: BuiltInsOptions, { hook, name, scopes, wanted }: BuiltIn): Promise<Handler | null> {
  if (wanted === null) return null;
  const caller = await keys.ensureServiceKey(name, scopes);
  return (await handlers.register({ hook, name, ...wanted, enabled: null }, caller)).handler;
}

async function claim(options: BuiltInsOptions, builtIn: BuiltIn, record: StoredRecord, known: Handler): Promise<StoredRecord> {
  await writeRecord(options, builtIn, record, String(known.id));
  return { value: String(known.id), id: known.id };
}

interface StoredRecord {
  value: string | null;
  /** Id of the handler that it names, if it does. */
  id: number | null;
}

async function readRecord({ store }: BuiltInsOptions, builtIn: BuiltIn): Promise<StoredRecord> {
  const value = await store.setting(recordName(builtIn));
  return { value, id: value === null || value === NONE || value === TAKEN ? null : Number(value) };
}

async function writeRecord({ store }: BuiltInsOptions, builtIn: BuiltIn, { value }: StoredRecord, after: string): Promise<void> {
  await store.exchangeSetting(recordName(builtIn), value, after);
}

function recordName({ hook, name }: BuiltIn): string {
  return `built_in:${hook}/${name}`;
}

function sameName({ handlers }: BuiltInsOptions, { hook, name }: BuiltIn): Handler | null {
  return handlers.list(hook).find((handler) => handler.name === name) ?? null;
}

/** Its current version acts with a key that nobody can hold, so no person wrote it. */
function isOwn({ current }: Handler, { name }: BuiltIn): boolean {
  return isServiceKey(current.keyId, name);
}

function isUntouched({ keys }: BuiltInsOptions, { enabled, current }: Handler): boolean {
  return enabled && keys.liveScopes(current.keyId) !== null;
}

function textOf(source: Omit<HandlerRegistration, 'hook' | 'name' | 'enabled'> | HandlerVersion): string {
  const { code, language, tags, filter, notifyOnSuccess, notifyOnFailure, config, timeoutMs, memoryMb, retry, concurrency } = source;
  const parts = [code, language, tags, filter, notifyOnSuccess, notifyOnFailure, config, timeoutMs, memoryMb, retry, concurrency];
  return JSON.stringify([...parts, source.orderingKey, source.schedule]);
}
