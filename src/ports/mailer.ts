import type { AlertHeaders } from '../core/delivery.ts';
import type { Attachment } from '../core/mail-attachment.ts';

export interface Mail {
  to: string;
  subject: string;
  text: string;
  html: string | null;
  attachments?: readonly Attachment[];
  /** Without angle brackets. */
  messageId: string;
  /** Milliseconds since the epoch. */
  date: number;
  /** Of an alert, which then has the form of MADSci's. */
  headers?: AlertHeaders;
}
/** `temporary` may be tried again with the same Message-ID; `permanent` is final. `detail` never holds credentials. */
export type MailResult = { kind: 'accepted' } | { kind: 'temporary'; detail: string } | { kind: 'permanent'; detail: string };

/** Hands one mail to the outside. Never throws for what a mail server says. */
export interface Mailer extends AsyncDisposable {
  send(mail: Mail): Promise<MailResult>;
  /** Where mails go, for the ready line: a host without credentials, or a folder. */
  readonly destination: string;
  /** How many mails may be under way at once. */
  readonly concurrency: number;
}
