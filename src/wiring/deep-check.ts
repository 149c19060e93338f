import { cron } from '../adapters/cron/cron.ts';
import { parseSmtpUrl } from '../adapters/smtp/url.ts';
import { type Config, NAMES } from '../config.ts';
import { checkAddress, checkSender } from '../core/mail-address.ts';
import type { Fault, Place } from '../settings/layers.ts';
import { collectorFault } from './tracing.ts';

/** What the parts of the server would find wrong with the settings when they start, found without starting them. */
export function deepFaults(config: Config, places: ReadonlyMap<string, Place>, now: number): Fault[] {
  const { EMAIL_ALERTS: alerts } = config;
  // What is not in use is not looked at by the server either.
  const schedule = config.BACKUP_ENABLED ? config.BACKUP_SCHEDULE : undefined;
  const report = (config.UTILIZATION_REPORT_TO ?? []).length > 0 ? config.UTILIZATION_REPORT_SCHEDULE : undefined;
  const found: [setting: string, message: string | null][] = [
    ['SMTP_URL', config.SMTP_URL === undefined ? null : smtpFault(config.SMTP_URL)],
    ['MAIL_FROM', detailOf(checkSender(config.MAIL_FROM))],
    ['BACKUP_SCHEDULE', schedule === undefined ? null : cronFault(schedule, now)],
    ['OTEL_EXPORTER', collectorFault(config)],
    ['UTILIZATION_REPORT_SCHEDULE', report === undefined ? null : cronFault(report, now)],
  ];
  if (alerts !== undefined) {
    found.push(['EMAIL_ALERTS.sender', detailOf(checkSender(alerts.sender))]);
    for (const address of alerts.email_addresses) found.push(['EMAIL_ALERTS.email_addresses', detailOf(checkAddress(address))]);
  }
  return found.flatMap(([setting, message]) => (message === null ? [] : [faultAt(setting, message, places)]));
}

function faultAt(path: string, message: string, places: ReadonlyMap<string, Place>): Fault {
  const [setting = '', member] = path.split('.');
  const place = places.get(path) ?? places.get(setting);
  const name = [NAMES.shown(setting), ...(member === undefined ? [] : [member])].join('.');
  return { setting: name, message, ...(place === undefined ? {} : { place }) };
}

function smtpFault(url: string): string | null {
  try {
    parseSmtpUrl(url);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^SMTP_URL:? /, '') : String(error);
  }
}

function cronFault(expression: string, now: number): string | null {
  const reading = cron.read({ cron: expression, timezone: 'UTC' }, now);
  return reading.ok ? null : reading.detail;
}

const detailOf = (check: { ok: true } | { ok: false; detail: string }): string | null => (check.ok ? null : check.detail);
