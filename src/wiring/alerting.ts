import { resolve } from 'node:path';
import { emlMailer } from '../adapters/eml/mailer.ts';
import { smtpMailer } from '../adapters/smtp/mailer.ts';
import type { SmtpTarget } from '../adapters/smtp/url.ts';
import type { Config } from '../config.ts';
import type { AlertMailSettings } from '../core/alert-mail.ts';
import { checkAddress, checkSender, messageIdDomain, type Sender } from '../core/mail-address.ts';
import type { Mailer } from '../ports/mailer.ts';

type EmailAlerts = NonNullable<Config['EMAIL_ALERTS']>;

/** MADSci's default, which is nobody's mail server. */
const NO_SERVER = 'smtp.example.com';

/** Who gets alerts and how they look, as the settings say. Throws an Error that names the member at fault. */
export function alertMailSettings(config: Config, usual: Sender): Omit<AlertMailSettings, 'site'> & { domain: string } {
  const { EMAIL_ALERTS: alerts, ALERT_SUBJECTS: subjects } = config;
  for (const address of alerts?.email_addresses ?? []) {
    const checked = checkAddress(address);
    if (!checked.ok) throw new Error(`EVENT_EMAIL_ALERTS: email_addresses: ${checked.detail}`);
  }
  const from = alerts === undefined ? usual : senderOf(alerts);
  return {
    domain: messageIdDomain(from.address),
    addresses: alerts?.email_addresses ?? [],
    importance: alerts?.default_importance ?? 'Normal',
    subjects,
  };
}

/** How alerts leave: by the mail server that EMAIL_ALERTS names, else as other mails do, but with its sender. Null without EMAIL_ALERTS. */
export function alertMailer(config: Config): Mailer | null {
  const { EMAIL_ALERTS: alerts } = config;
  if (alerts === undefined) return null;
  const from = senderOf(alerts);
  const sender = 'the sender in EVENT_EMAIL_ALERTS';
  const target = ownServer(alerts);
  if (target !== null) return smtpMailer({ url: target, from, settings: { server: 'EVENT_EMAIL_ALERTS', sender } });
  if (config.SMTP_URL !== undefined) return smtpMailer({ url: config.SMTP_URL, from, settings: { server: 'SMTP_URL', sender } });
  return emlMailer({ folder: resolve(config.DATA_DIR, 'mail'), from });
}

/** For people. */
export function alertDestination({ destination }: Mailer, addresses: readonly string[]): string {
  if (addresses.length === 0) return 'nobody: EVENT_EMAIL_ALERTS has no email_addresses';
  return `${destination}, ${addresses.length === 1 ? 'one address' : `${addresses.length} addresses`}`;
}

/**
 * Connects as the original does: STARTTLS or nothing, whatever certificate the server has, and a login only with both a name and a password.
 * Who wants the certificate checked leaves smtp_server out and sets SMTP_URL.
 */
function ownServer(alerts: EmailAlerts): SmtpTarget | null {
  const { smtp_server: host, smtp_port: port, smtp_username: user, smtp_password: pass } = alerts;
  if (host === '' || host === NO_SERVER) return null;
  return {
    host,
    port,
    secure: false,
    startTls: alerts.use_tls ? 'required' : 'never',
    auth: user && pass ? { user, pass } : null,
    verifyCertificate: false,
    ehloName: null,
  };
}

function senderOf({ sender }: EmailAlerts): Sender {
  const checked = checkSender(sender);
  if (!checked.ok) throw new Error(`EVENT_EMAIL_ALERTS: sender: ${checked.detail}`);
  return checked;
}
