import { z } from 'zod';
import { type Config, SETTINGS, shownSettings } from '../config.ts';
import type { PublicSettings } from '../http/deps.ts';
import { MADSCI } from '../settings/madsci.ts';
import { REDACTED } from '../settings/redact.ts';

/** What MADSci calls them (M41). */
const MADSCI_NAMES = { document_db_url: 'event_db_url', database_name: 'event_database_name', collection_name: 'event_collection_name' };
const TITLE = 'EventManagerSettings';

/** What GET /settings shows (M23). `url`: where the server is, which is known once it listens. */
export function publicSettings(config: Config, { managerId, url }: { managerId: string; url: () => string }): PublicSettings {
  const shown = lowered(shownSettings(config));
  const all = (): Readonly<Record<string, unknown>> => {
    const values: Record<string, unknown> = {
      ...shown,
      server_url: config.SERVER_URL ?? `${config.PUBLIC_URL ?? url()}/`,
      manager_id: managerId,
      manager_name: config.MANAGER_NAME ?? 'Hookwright',
      ...Object.fromEntries(Object.entries(MADSCI_NAMES).map(([theirs, ours]) => [theirs, shown[ours]])),
    };
    return Object.fromEntries(ORDER.map((name) => [name, values[name]]));
  };
  return {
    all,
    // The original compares with settings made anew from the same places: what is left is what it makes up and what it blanks.
    changed: () =>
      Object.fromEntries(
        Object.entries(all()).filter(([name, value]) => (name === 'manager_id' && config.MANAGER_ID === undefined) || isBlanked(value)),
      ),
    schema: () => ({ schema: settingsSchema(), schema_title: TITLE }),
  };
}

/** MADSci's first, as it has them, then ours. */
const ORDER = [
  ...Object.keys(MADSCI_NAMES),
  ...Object.keys(MADSCI).map((name) => name.toLowerCase()),
  ...Object.keys(SETTINGS.shape)
    .filter((name) => !(name in MADSCI))
    .map((name) => name.toLowerCase()),
];

const lowered = (values: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name.toLowerCase(), value]));

const isBlanked = (value: unknown): boolean =>
  value === REDACTED || (typeof value === 'object' && value !== null && Object.values(value).includes(REDACTED));

function settingsSchema(): unknown {
  const { properties = {} } = z.toJSONSchema(SETTINGS, { io: 'input', unrepresentable: 'any' });
  const named = lowered(properties);
  for (const [theirs, ours] of Object.entries(MADSCI_NAMES)) named[theirs] = named[ours];
  const defaults = lowered(SETTINGS.parse({}));
  for (const [theirs, ours] of Object.entries(MADSCI_NAMES)) defaults[theirs] = defaults[ours];
  const titled = Object.entries(named).map(([name, schema]) => [
    name,
    { title: titleOf(name), ...(schema as object), default: defaults[name] ?? null },
  ]);
  return { title: TITLE, type: 'object', properties: Object.fromEntries(titled) };
}

const titleOf = (name: string): string => name.replaceAll(/(?:^|_)([a-z])/g, (_all, first: string) => ` ${first.toUpperCase()}`).trim();
