import { readFileSync } from 'node:fs';
import type { Config } from './config.ts';
import { DEFAULT_RETRY, HANDLER_BOUNDS } from './core/handler.ts';
import type { BuiltIn } from './engine/built-ins.ts';

/** What most built-in handlers have in common. */
const USUAL = {
  language: 'typescript',
  tags: [],
  filter: '{}',
  notifyOnSuccess: null,
  notifyOnFailure: null,
  config: '{}',
  timeoutMs: HANDLER_BOUNDS.timeoutMs.default,
  memoryMb: HANDLER_BOUNDS.memoryMb.default,
  retry: DEFAULT_RETRY,
  concurrency: 1,
  orderingKey: null,
} as const;

/** The handlers of the folder handlers/, each as the settings of this start want it. */
export function builtIns(config: Config): BuiltIn[] {
  return [alerting(config)];
}

/** The filter says what the code says, so that an event that is no alert costs a comparison and no execution. */
function alerting({ EMAIL_ALERTS: alerts, ALERT_LEVEL: level }: Config): BuiltIn {
  const wanted = () => ({
    ...USUAL,
    code: sourceOf('alerting.ts'),
    filter: JSON.stringify({ $or: [{ alert: true }, { log_level: { $gte: level } }] }),
    config: JSON.stringify({ alert_level: level }),
  });
  return {
    hook: 'event.on_ingest',
    name: 'alerting',
    scopes: ['alerts:write'],
    wanted: alerts === undefined || alerts.email_addresses.length === 0 ? null : wanted(),
  };
}

function sourceOf(file: string): string {
  return readFileSync(new URL(`../handlers/${file}`, import.meta.url), 'utf8');
}
