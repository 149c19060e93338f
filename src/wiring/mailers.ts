import { resolve } from 'node:path';
import { emlMailer } from '../adapters/eml/mailer.ts';
import { smtpMailer } from '../adapters/smtp/mailer.ts';
import type { Config } from '../config.ts';
import { checkSender, type Sender } from '../core/mail-address.ts';
import type { Mailer } from '../ports/mailer.ts';

export function senderOf({ MAIL_FROM }: Config): Sender {
  const sender = checkSender(MAIL_FROM);
  if (!sender.ok) throw new Error(`MAIL_FROM: ${sender.detail}`);
  return sender;
}

export function mailerOf(config: Config, from: Sender): Mailer {
  return config.SMTP_URL === undefined
    ? emlMailer({ folder: resolve(config.DATA_DIR, 'mail'), from })
    : smtpMailer({ url: config.SMTP_URL, from });
}
