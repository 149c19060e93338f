import { callerPlace } from './errors.ts';
import { jsonText, parseJson } from './json.ts';
import type { Run } from './run.ts';

/** `ctx.alerts.raise`. An event that was not changed goes by name: its text is on the other side already, as exact and as long as it came. */
export function raiseAlert(run: Run, given: unknown, options: unknown = {}): Promise<void> {
  const event = recordOf(given, 'what alerts.raise takes first is an object');
  const text = jsonText(event);
  const isOwn = typeof event['_id'] === 'string' && text === jsonText(parseJson(run.assignment.input));
  const { to, importance } = recordOf(options, 'what alerts.raise takes second is an object');
  if (importance !== undefined && typeof importance !== 'string') throw new TypeError('"importance" of an alert is High, Normal or Low');
  run.alert({ op: 'alert', event: isOwn ? null : text, to: addressesOf(to), importance: importance ?? null, ...callerPlace() });
  return Promise.resolve();
}

/** Null when nobody is named. */
function addressesOf(to: unknown): string[] | null {
  if (to === undefined || to === null) return null;
  const addresses: unknown[] = Array.isArray(to) ? to : [to];
  if (addresses.length === 0 || !addresses.every(isFilled)) throw new TypeError('"to" of an alert is an address or a list of them');
  return addresses;
}

function isFilled(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function recordOf(value: unknown, otherwise: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError(otherwise);
  return value as Record<string, unknown>; // any object can be read by name
}
