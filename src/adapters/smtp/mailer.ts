import type { NodemailerError } from 'nodemailer';
import type { Sender } from '../../core/mail-address.ts';
import { messageFields } from '../../core/mail-message.ts';
import type { Mail, Mailer, MailResult } from '../../ports/mailer.ts';
import { classifyFailure, type SettingNames } from './classify.ts';
import { describeTarget, parseSmtpUrl, type SmtpTarget } from './url.ts';

export interface SmtpMailerOptions {
  /** SMTP_URL, or where it leads. */
  url: string | SmtpTarget;
  /** Read by `checkSender`. */
  from: Sender;
  /** Which settings say so, for the advice in errors; SMTP_URL and MAIL_FROM unless said. */
  settings?: SettingNames;
  timeouts?: Partial<SmtpTimeouts>;
}
/** All in milliseconds. */
export interface SmtpTimeouts {
  /** Name lookup and connecting, up to the end of the TLS handshake. */
  connectMs: number;
  greetingMs: number;
  /** Silence of the server at any later moment. */
  socketMs: number;
  /** A whole mail, however busily the server trickles its replies. */
  mailMs: number;
}

const TIMEOUTS: SmtpTimeouts = { connectMs: 10_000, greetingMs: 10_000, socketMs: 60_000, mailMs: 180_000 };
const CONNECTIONS = 5;

/** Sends through one mail server, over at most five connections that are kept and used again. Throws when SMTP_URL is not valid. */
export function smtpMailer({ url, from, settings, timeouts }: SmtpMailerOptions): Mailer {
  const target = typeof url === 'string' ? parseSmtpUrl(url) : url;
  const limits = { ...TIMEOUTS, ...timeouts };
  // The library is loaded for the first mail.
  let transport: ReturnType<typeof openTransport> | null = null;
  const secrets = secretsOf(target);
  const underWay = new Set<Promise<MailResult>>();

  async function submit(mail: Mail): Promise<MailResult> {
    const message = messageFields(mail, from);
    if (!message.ok) return { kind: 'permanent', detail: message.detail };
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), limits.mailMs);
    try {
      transport ??= openTransport(target, limits);
      const info = await (await transport).sendMail({ ...message.fields, signal: deadline.signal });
      const rejected = info.rejectedErrors?.[0];
      return rejected === undefined ? { kind: 'accepted' } : classifyFailure(rejected, secrets, settings);
    } catch (error) {
      return classifyFailure(asError(error), secrets, settings);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    destination: describeTarget(target),
    concurrency: CONNECTIONS,
    async send(mail) {
      const sending = submit(mail);
      underWay.add(sending);
      return await sending.finally(() => underWay.delete(sending));
    },
    /** Cuts what is under way, which then ends as temporary. */
    async [Symbol.asyncDispose]() {
      (await transport?.catch(() => null))?.close({ force: true });
      await Promise.all(underWay);
    },
  };
}

async function openTransport(target: SmtpTarget, limits: SmtpTimeouts) {
  const { createTransport } = await import('nodemailer');
  return createTransport(poolOptions(target, limits));
}

function poolOptions(target: SmtpTarget, limits: SmtpTimeouts) {
  return {
    pool: true,
    host: target.host,
    port: target.port,
    secure: target.secure,
    requireTLS: target.startTls === 'required' && !target.secure,
    ignoreTLS: target.startTls === 'never',
    ...(target.auth === null ? {} : { auth: target.auth }),
    ...(target.ehloName === null ? {} : { name: target.ehloName }),
    tls: { rejectUnauthorized: target.verifyCertificate },
    maxConnections: CONNECTIONS,
    /** Once over another connection when the server dropped an idle one; everything else is for the outbox to decide. */
    maxRequeues: 1,
    connectionTimeout: limits.connectMs,
    dnsTimeout: limits.connectMs,
    greetingTimeout: limits.greetingMs,
    socketTimeout: limits.socketMs,
    socketCloseTimeout: 1_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  } as const;
}

function secretsOf({ auth }: SmtpTarget): string[] {
  if (auth === null || auth.pass === '') return [];
  const encoded = [auth.pass, `\0${auth.user}\0${auth.pass}`].map((text) => Buffer.from(text, 'utf8').toString('base64'));
  return [...encoded, encodeURIComponent(auth.pass), auth.pass];
}

function asError(error: unknown): NodemailerError {
  return Error.isError(error) ? error : new Error(String(error));
}
