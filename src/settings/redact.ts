/** What stands for a secret wherever settings are shown (M23). */
export const REDACTED = '***REDACTED***';
const MEMBERS: ReadonlySet<string> = new Set(['smtp_username', 'smtp_password']);

/** One setting as it may be shown: a secret is blanked, of an object its secret members. No value is null. */
export function shownValue(value: unknown, isSecret: boolean): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === 'object' && !Array.isArray(value))
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, MEMBERS.has(name) ? REDACTED : (member ?? null)]));
  return isSecret ? REDACTED : value;
}
