import { type Config, SETTINGS } from './config.ts';

const SECRET = new Set(['ADMIN_KEY', 'SMTP_URL']);
const REDACTED = '***REDACTED***';

/** What GET /settings shows: MADSci's names where there is one, secrets blanked (M23). */
export function publicSettings(config: Config, managerId: string): Readonly<Record<string, unknown>> {
  const values: Readonly<Record<string, unknown>> = { ...config, ALLOW_ANONYMOUS: config.anonymousScopes };
  const shown = Object.keys(SETTINGS.shape).map((name) => {
    const value = values[name];
    return [name.toLowerCase(), SECRET.has(name) && value !== undefined ? REDACTED : (value ?? null)];
  });
  return {
    manager_id: managerId,
    manager_name: 'Hookwright',
    manager_description: null,
    manager_type: 'event_manager',
    ...Object.fromEntries(shown),
  };
}
