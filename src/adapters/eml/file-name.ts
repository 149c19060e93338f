import { createHash } from 'node:crypto';

const PLAIN_ID = /^[a-z0-9][a-z0-9.@_-]{0,119}$/;

/**
 * Name of the file of one mail: its time, then its Message-ID where that is safe as it is on every file system, else the hash of it. The
 * same mail always has the same name, and two mails never share one.
 */
export function emlFileName(mail: { messageId: string; date: number }): string {
  const time = new Date(mail.date).toISOString().replace(/[-:]|\.\d+/g, '');
  const id = PLAIN_ID.test(mail.messageId) ? mail.messageId : createHash('sha256').update(mail.messageId).digest('hex');
  return `${time}-${id}.eml`;
}
