import { alertMessage } from './alert-message.ts';
import type { AlertHeaders } from './delivery.ts';
import { asciiAddress, checkAddress, type Sender } from './mail-address.ts';
import { type Attachment, attachmentFault } from './mail-attachment.ts';
import { oneLine } from './mail-text.ts';

/** A mail as mailers are given it. Times are milliseconds since the epoch. */
interface OutgoingMail {
  to: string;
  subject: string;
  text: string;
  html: string | null;
  attachments?: readonly Attachment[];
  messageId: string;
  date: number;
  /** Of an alert; it then has the form of MADSci's. */
  headers?: AlertHeaders;
}

/** The fields of one message in the form that nodemailer composes: nothing in it is a list, a path or a header of the caller's choice. */
export interface MessageFields {
  from: Sender;
  to: Sender;
  /** Given apart from the headers, so that no parsing of these decides who gets the mail. */
  envelope: { from: string; to: string[] };
  subject: string;
  text: string;
  html?: string;
  attachments?: AttachmentFields[];
  messageId: string;
  date: Date;
  headers: { 'Auto-Submitted': 'auto-generated' };
}

/** A message that is composed already. */
export interface ComposedMessage {
  envelope: MessageFields['envelope'];
  messageId: string;
  raw: string;
}

/** A file in the form that nodemailer composes; the content is always here, as base64 so that nothing in it looks like a line of the message. */
interface AttachmentFields {
  filename: string;
  contentType: string;
  content: string;
  encoding: 'utf8' | 'base64';
  contentTransferEncoding: 'base64';
  contentDisposition: 'attachment';
}

/** Long subjects are folded by whoever composes the message; this only keeps the header within reason. */
const MAX_SUBJECT = 900;
const MESSAGE_ID = /^[\w.!#$%&'*+/=?^`{|}~-]{1,200}@[A-Za-z0-9.-]{1,200}$/;

/**
 * The last check before a mail leaves, the same for every mailer: what does not pass is refused for good, since no retry changes it.
 * Whatever wrote the delivery, the message has one recipient and these headers.
 */
export function messageFields(
  mail: OutgoingMail,
  from: Sender,
): { ok: true; fields: MessageFields | ComposedMessage } | { ok: false; detail: string } {
  const to = checkAddress(mail.to);
  if (!to.ok) return { ok: false, detail: `the recipient is refused: ${to.detail}` };
  if (!MESSAGE_ID.test(mail.messageId)) return { ok: false, detail: 'the Message-ID is not valid' };
  const date = new Date(mail.date);
  if (Number.isNaN(date.getTime())) return { ok: false, detail: 'the date is not valid' };
  if (typeof mail.text !== 'string' || (mail.html !== null && typeof mail.html !== 'string')) {
    return { ok: false, detail: 'the body is not a text' };
  }
  const fault = attachmentFault(mail.attachments ?? []);
  if (fault !== null) return { ok: false, detail: fault };
  if (mail.headers !== undefined) return { ok: true, fields: composed({ ...mail, headers: mail.headers, to: to.address }, from, date) };
  const fields: MessageFields = {
    from: { ...from },
    to: { name: '', address: to.address },
    envelope: { from: from.address, to: [to.address] },
    subject: literal(oneLine(mail.subject, MAX_SUBJECT)),
    text: mail.text === '' ? '\n' : mail.text, // an empty part would be left out, and with it the alternative for HTML
    messageId: `<${mail.messageId}>`,
    date,
    headers: { 'Auto-Submitted': 'auto-generated' },
  };
  if (mail.html !== null && mail.html !== '') fields.html = mail.html;
  if (mail.attachments !== undefined && mail.attachments.length > 0) fields.attachments = mail.attachments.map(attachmentFields);
  return { ok: true, fields };
}

function attachmentFields({ filename, contentType, encoding, content }: Attachment): AttachmentFields {
  const as = { contentTransferEncoding: 'base64', contentDisposition: 'attachment' } as const;
  return { filename: literal(filename), contentType, content: content.toWellFormed(), encoding, ...as };
}

/** An alert has these three headers and no others, each of one line, whatever the delivery holds. */
function composed(mail: OutgoingMail & { headers: AlertHeaders }, from: Sender, date: Date): ComposedMessage {
  const line = (text: string): string => literal(oneLine(String(text), MAX_SUBJECT));
  const messageId = `<${mail.messageId}>`;
  const raw = alertMessage({
    from: { name: from.name, address: asciiAddress(from.address) },
    to: asciiAddress(mail.to),
    subject: line(mail.subject),
    headers: {
      Importance: line(mail.headers.Importance),
      'X-Priority': line(mail.headers['X-Priority']),
      'X-MADSci-Event-ID': line(mail.headers['X-MADSci-Event-ID']),
    },
    text: mail.text,
    messageId,
    date,
  });
  return { envelope: { from: from.address, to: [mail.to] }, messageId, raw };
}

/** Plain ASCII that looks like an encoded word (RFC 2047) would be decoded by the reader, line breaks and all; a blank keeps it what it is. */
function literal(header: string): string {
  return header.replaceAll('=?', '= ?');
}
