import type { Effect } from '../../../core/execution.ts';
import type { Run } from './run.ts';

type Attachment = NonNullable<Extract<Effect, { op: 'mail' }>['attachments']>[number];
const MEMBERS = ['filename', 'content_type', 'content', 'base64'];
const MAX_ATTACHMENTS = 10;

/** `ctx.mail.send`: one mail for each address. What it refuses, it refuses at once, so that a forgotten `await` does not hide it. */
export function sendMail(run: Run, given: unknown): Promise<void> {
  const { to, subject, text, html, attachments } = recordOf(given, 'a mail is an object');
  const addresses: unknown[] = Array.isArray(to) ? to : [to];
  if (addresses.length === 0 || !addresses.every(isFilled)) {
    throw new TypeError('mail.send needs "to": an address or a list of them');
  }
  if (typeof subject !== 'string' || typeof text !== 'string') throw new TypeError('mail.send needs the texts "subject" and "text"');
  if (html !== undefined && html !== null && typeof html !== 'string') throw new TypeError('"html" of a mail is a text');
  const files = attachmentsOf(attachments);
  for (const address of addresses) {
    run.mail({ op: 'mail', to: address, subject, text, html: html ?? null, ...(files.length > 0 && { attachments: files }) });
  }
  return Promise.resolve();
}

function attachmentsOf(given: unknown): Attachment[] {
  if (given === undefined || given === null) return [];
  if (!Array.isArray(given) || given.length > MAX_ATTACHMENTS)
    throw new TypeError(`"attachments" of a mail is a list of at most ${MAX_ATTACHMENTS}`);
  return given.map(attachmentOf);
}

function attachmentOf(given: unknown): Attachment {
  const shape = 'an attachment is {filename, content_type, content} or {filename, content_type, base64}';
  const record = recordOf(given, shape);
  const { filename, content_type: contentType, content, base64 } = record;
  const strange = Object.keys(record).find((name) => !MEMBERS.includes(name));
  if (strange !== undefined) throw new TypeError(`${shape}: it has no ${strange}`);
  const body = content ?? base64;
  if (!isFilled(filename) || !isFilled(contentType) || typeof body !== 'string' || (content !== undefined && base64 !== undefined)) {
    throw new TypeError(shape);
  }
  return { filename, contentType, encoding: content === undefined ? 'base64' : 'utf8', content: body };
}

function isFilled(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function recordOf(value: unknown, otherwise: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError(otherwise);
  return value as Record<string, unknown>; // any object can be read by name
}
