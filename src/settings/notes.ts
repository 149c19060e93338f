import type { z } from 'zod';
import type { Place } from './layers.ts';
import type { EmailAlerts, MADSCI } from './madsci.ts';

type Settings = { [Name in keyof typeof MADSCI]: z.infer<(typeof MADSCI)[Name]> };

const NOTIFIER = /(^|[.:])NotificationHandler$/;

/** Settings that are right by themselves, but do nothing, or less than they say. */
export function settingNotes(settings: Settings, places: ReadonlyMap<string, Place>): string[] {
  const { EMAIL_ALERTS: alerts } = settings;
  return [
    ...handlerNotes(settings),
    ...(alerts === undefined ? [] : alertNotes(alerts, places.has('EMAIL_ALERTS.smtp_server') || places.has('SMTP_URL'))),
    ...when(
      settings.BACKUP_ENABLED && settings.BACKUP_SCHEDULE === undefined,
      'EVENT_BACKUP_ENABLED: backups are made when EVENT_BACKUP_SCHEDULE says so, which is not set.',
    ),
    ...when(
      !settings.BACKUP_ENABLED && settings.BACKUP_SCHEDULE !== undefined,
      'EVENT_BACKUP_SCHEDULE: has no effect without EVENT_BACKUP_ENABLED.',
    ),
    ...when(
      settings.RATE_LIMIT_ENABLED && settings.RATE_LIMIT_EXEMPT_IPS?.length === 0,
      'EVENT_RATE_LIMIT_EXEMPT_IPS: the list is empty, so this machine itself is limited too.',
    ),
  ];
}

/** M42: its own handler for mails is one of the handlers here anyway; others are Python. */
function handlerNotes({ EVENT_HANDLERS: handlers = [], EMAIL_ALERTS: alerts }: Settings): string[] {
  const others = handlers.filter((name) => !NOTIFIER.test(name));
  return [
    ...others.map(
      (name) => `EVENT_HANDLERS: ${name} is a Python class, which cannot run here. Write it as a handler: docs/handlers.md says how.`,
    ),
    ...when(
      others.length < handlers.length && alerts === undefined,
      'EVENT_HANDLERS: NotificationHandler sends the mails of EVENT_EMAIL_ALERTS, which is not set.',
    ),
  ];
}

function alertNotes(alerts: z.infer<typeof EmailAlerts>, hasServer: boolean): string[] {
  const hasHalfALogin = (alerts.smtp_username === undefined) !== (alerts.smtp_password === undefined);
  return [
    ...when(alerts.email_addresses.length === 0, 'EVENT_EMAIL_ALERTS: without email_addresses nobody gets a mail.'),
    ...when(!hasServer, 'EVENT_EMAIL_ALERTS: without smtp_server, and without SMTP_URL, alerts become files in DATA_DIR/mail.'),
    ...when(hasHalfALogin, 'EVENT_EMAIL_ALERTS: smtp_username and smtp_password log in only together.'),
  ];
}

const when = (isSo: boolean, note: string): string[] => (isSo ? [note] : []);
