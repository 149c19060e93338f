import { readFileSync } from 'node:fs';
import { cron } from '../adapters/cron/cron.ts';
import type { Config } from '../config.ts';
import { DEFAULT_RETRY, HANDLER_BOUNDS } from '../core/handler.ts';
import { SCHEDULE_HOOK, type Schedule } from '../core/schedule.ts';
import type { BuiltIn } from '../engine/built-ins.ts';

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
  return [alerting(config), utilization(config)];
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

/** The morning after, when the last events of the time have arrived. */
const MORNING_AFTER = { daily: '0 7 * * *', weekly: '0 7 * * MON', monthly: '0 7 1 * *' } as const;
/** Reports of a busy lab may take as long as a query may, twice over. */
const REPORT_MS = 120_000;

function utilization({ UTILIZATION_REPORT_TO: to = [], UTILIZATION_REPORT_PERIOD: period, ...config }: Config): BuiltIn {
  const wanted = () => ({
    ...USUAL,
    code: sourceOf('utilization.ts'),
    config: JSON.stringify({ to, period }),
    timeoutMs: REPORT_MS,
    retry: { maxAttempts: 8, backoff: { firstMs: 30_000, factor: 3, maxMs: 3_600_000 }, maxAgeMs: null },
    notifyOnFailure: to[0] ?? null,
    schedule: checked({
      cron: config.UTILIZATION_REPORT_SCHEDULE ?? MORNING_AFTER[period],
      timezone: config.UTILIZATION_REPORT_TIMEZONE,
    }),
  });
  return {
    hook: SCHEDULE_HOOK,
    name: 'utilization',
    scopes: ['events:read', 'events:write'],
    wanted: to.length === 0 ? null : wanted(),
  };
}

function checked(schedule: Schedule): Schedule {
  const reading = cron.read(schedule, Date.now());
  if (!reading.ok) throw new Error(`UTILIZATION_REPORT_${reading.member === 'cron' ? 'SCHEDULE' : 'TIMEZONE'}: ${reading.detail}`);
  return schedule;
}

function sourceOf(file: string): string {
  return readFileSync(new URL(`../../handlers/${file}`, import.meta.url), 'utf8');
}
