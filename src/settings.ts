import { type Config, SETTINGS } from './config.ts';

const SECRET = new Set(['ADMIN_KEY', 'SMTP_URL', 'EVENT_DB_URL']);
/** What MADSci calls them (M41). */
const MADSCI = [
  ['document_db_url', 'event_db_url'],
  ['database_name', 'event_database_name'],
  ['collection_name', 'event_collection_name'],
] as const;
const REDACTED = '***REDACTED***';

/** What GET /settings shows: MADSci's names where there is one, secrets blanked (M23). */
export function publicSettings(config: Config, managerId: string): Readonly<Record<string, unknown>> {
  const values: Readonly<Record<string, unknown>> = { ...config, ALLOW_ANONYMOUS: config.anonymousScopes };
  const shown: Readonly<Record<string, unknown>> = Object.fromEntries(
    Object.keys(SETTINGS.shape).map((name) => {
      const value = values[name];
      return [name.toLowerCase(), SECRET.has(name) && value !== undefined ? REDACTED : (value ?? null)];
    }),
  );
  return {
    manager_id: managerId,
    manager_name: 'Hookwright',
    manager_description: null,
    manager_type: 'event_manager',
    ...shown,
    ...Object.fromEntries(MADSCI.map(([theirs, ours]) => [theirs, shown[ours]])),
  };
}
