const MINUTE = 60_000;

/**
 * Minutes between tries after temporary failures. The first five fit within 20 minutes even with jitter, the last of them beyond the 15
 * that strict greylisting asks for; then the steps grow, and after about 48 hours the mail is given up. docs/mail.md has the table.
 */
const STEPS_MINUTES = [1, 2, 4, 7, 5, 30, 60, 120, 240, 360, 360, 480, 480, 720] as const;
/** Part of a step by which it may be longer or shorter. */
const JITTER = 0.05;

/** No retry is ever further off than this. */
export const LONGEST_RETRY_MS = Math.ceil(Math.max(...STEPS_MINUTES) * MINUTE * (1 + JITTER));

/**
 * Milliseconds until the next try after `attempts` tries (1-based) that all failed temporarily, or null when the mail is given up.
 * `random` answers numbers from 0 up to 1. Permanent failures are never retried, so they do not come here.
 */
export function mailRetryDelay(attempts: number, random: () => number): number | null {
  const minutes = STEPS_MINUTES[attempts - 1];
  if (minutes === undefined) return null;
  return Math.round(minutes * MINUTE * (1 + JITTER * (2 * random() - 1)));
}
