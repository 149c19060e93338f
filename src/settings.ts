import { type Config, shownSettings } from './config.ts';

/** What MADSci calls them (M41). */
const MADSCI = [
  ['document_db_url', 'event_db_url'],
  ['database_name', 'event_database_name'],
  ['collection_name', 'event_collection_name'],
] as const;

/** What GET /settings shows: MADSci's names where there is one, secrets blanked (M23). */
export function publicSettings(config: Config, managerId: string): Readonly<Record<string, unknown>> {
  const shown: Readonly<Record<string, unknown>> = Object.fromEntries(
    Object.entries(shownSettings(config)).map(([name, value]) => [name.toLowerCase(), value]),
  );
  return {
    ...shown,
    manager_id: managerId,
    manager_name: config.MANAGER_NAME ?? 'Hookwright',
    ...Object.fromEntries(MADSCI.map(([theirs, ours]) => [theirs, shown[ours]])),
  };
}
