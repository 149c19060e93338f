import type { NodemailerError } from 'nodemailer';
import { oneLine } from '../../core/mail-text.ts';
import type { MailResult } from '../../ports/mailer.ts';

type Refusal = Exclude<MailResult, { kind: 'accepted' }>;

/** The settings to look at when a mail server refuses. */
export interface SettingNames {
  server: string;
  sender: string;
}

const USUAL: SettingNames = { server: 'SMTP_URL', sender: 'MAIL_FROM' };
const MAX_DETAIL = 500;
/** Replies that ask for a login or refuse it (RFC 4954), whatever command they answer. */
const LOGIN_REPLIES = new Set([530, 534, 535, 538]);
const LOGIN_CODES = new Set(['EAUTH', 'ENOAUTH', 'EOAUTH2']);
/** The mail itself was judged: its envelope, or its content. */
const MESSAGE_CODES = new Set(['EENVELOPE', 'EMESSAGE', 'EMAXRECIPIENTS']);
const TOO_LARGE = 552;

/**
 * What a failed try means for the mail. Final is only what a mail server says about this recipient or this content; whatever is wrong with
 * the way there (network, TLS, greeting, login, the sender address) an operator can mend, so the mail waits. `secrets` never show.
 */
export function classifyFailure(error: NodemailerError, secrets: readonly string[] = [], names: SettingNames = USUAL): Refusal {
  const reason = explain(error, names);
  const detail = oneLine(hide(`${reason}${error.message}`, secrets), MAX_DETAIL);
  return { kind: isFinal(error) ? 'permanent' : 'temporary', detail };
}

function isFinal(error: NodemailerError): boolean {
  if (!MESSAGE_CODES.has(error.code ?? '') || isLogin(error)) return false;
  // Nodemailer judged it by itself, such as a size beyond what the server announced.
  if (error.response === undefined) return true;
  return error.permanent === true && !isSenderRefused(error);
}

function isLogin({ code, responseCode }: NodemailerError): boolean {
  return LOGIN_CODES.has(code ?? '') || LOGIN_REPLIES.has(responseCode ?? 0);
}

/** A refusal at MAIL FROM is about MAIL_FROM and not about this mail, unless it is about the size announced there. */
function isSenderRefused({ command, permanent, responseCode }: NodemailerError): boolean {
  return command === 'MAIL FROM' && permanent === true && responseCode !== TOO_LARGE;
}

function explain(error: NodemailerError, { server, sender }: SettingNames): string {
  if (isLogin(error)) return `the mail server refused the login; check ${server}: `;
  if (isSenderRefused(error)) return `the mail server refused the sender; check ${sender}: `;
  if (error.code === 'ETLS') return `no secure connection to the mail server; check its certificate and ${server}: `;
  if (error.code === 'EABORT') return 'the mail server took too long: ';
  return MESSAGE_CODES.has(error.code ?? '') ? '' : 'the mail server could not be used: ';
}

/** A server may repeat what it was sent, plain or as the login encodes it. */
function hide(text: string, secrets: readonly string[]): string {
  return secrets.reduce((shown, secret) => shown.replaceAll(secret, '***'), text);
}
