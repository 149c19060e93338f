/** What stands for a secret wherever settings are shown (M23). */
export const REDACTED = '***REDACTED***';
/** Of the mails about alerts; blanked also where there is none, as with the original. */
const MEMBERS = { smtp_username: REDACTED, smtp_password: REDACTED };

/** One setting as it may be shown: a secret is blanked, of an object its secret members. No value is null. */
export function shownValue(value: unknown, isSecret: boolean): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === 'object' && !Array.isArray(value)) return { ...value, ...MEMBERS };
  return isSecret ? REDACTED : value;
}
