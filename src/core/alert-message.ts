import type { AlertHeaders } from './delivery.ts';
import type { Sender } from './mail-address.ts';

/** An alert as it leaves: all of it checked, one line each but for the text. */
export interface AlertMessage {
  from: Sender;
  /** ASCII only. */
  to: string;
  subject: string;
  headers: AlertHeaders;
  text: string;
  /** With angle brackets. */
  messageId: string;
  date: Date;
}

const CRLF = '\r\n';
const ENCODED_LINE = 76;
/** So much of a text, in bytes, is in one encoded word: RFC 2047 lets a word have 75 characters. */
const WORD_BYTES = 42;
const WORD_LENGTH = 75 - '=?utf-8?q??='.length;
/** Characters of names that may stand without quotes (RFC 5322, atoms and blanks). */
const PLAIN_NAME = /^[\w !#$%&'*+\-/=?^`{|}~]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is asked for
const ASCII = /^[\x00-\x7f]*$/;
const PLAIN_IN_Q = /[A-Za-z0-9!*+/-]/;

/**
 * The bytes that MADSci's event manager hands to a mail server for an alert (M36 to M38), which no library composes so: a multipart with
 * one text, the headers in its order, ASCII texts as they are however long their lines, others in base64. Date and Message-ID, which the
 * original leaves out, come last.
 */
export function alertMessage({ from, to, subject, headers, text, messageId, date }: AlertMessage): string {
  const body = text.replaceAll('\r\n', '\n');
  const boundary = boundaryFor(body, messageId);
  const lines = [
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    'MIME-Version: 1.0',
    header('Subject', subject),
    `From: ${senderText(from)}`,
    `To: ${to}`,
    ...Object.entries(headers).map(([name, value]) => header(name, value)),
    `Date: ${date.toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: ${messageId}`,
    '',
    `--${boundary}`,
    ...part(body),
    `--${boundary}--`,
    '',
  ];
  return lines.join(CRLF);
}

function part(text: string): string[] {
  const isAscii = ASCII.test(text);
  const head = [
    `Content-Type: text/plain; charset="${isAscii ? 'us-ascii' : 'utf-8'}"`,
    'MIME-Version: 1.0',
    `Content-Transfer-Encoding: ${isAscii ? '7bit' : 'base64'}`,
    '',
  ];
  if (isAscii) return [...head, ...text.split(/[\r\n]/)];
  const encoded = new TextEncoder().encode(text).toBase64();
  return [...head, ...(encoded.match(new RegExp(`.{1,${ENCODED_LINE}}`, 'g')) ?? []), ''];
}

/** Python's form, with digits that follow from the Message-ID: the same mail has the same bytes each time it is sent. */
function boundaryFor(text: string, messageId: string): string {
  let digits = 0n;
  for (const character of messageId) digits = (digits * 131n + BigInt(character.codePointAt(0) ?? 0)) % 10n ** 19n;
  for (;;) {
    const boundary = `${'='.repeat(15)}${digits.toString().padStart(19, '0')}==`;
    if (!text.includes(boundary)) return boundary;
    digits = (digits + 1n) % 10n ** 19n;
  }
}

function senderText({ name, address }: Sender): string {
  if (name === '') return address;
  if (!ASCII.test(name)) return `${words(name)} <${address}>`;
  return `${PLAIN_NAME.test(name) ? name : `"${name.replaceAll(/["\\]/g, '\\$&')}"`} <${address}>`;
}

/** ASCII stays on one line, as in the original; an id has 300 characters at most. */
function header(name: string, value: string): string {
  return `${name}: ${ASCII.test(value) ? value : words(value)}`;
}

/** Encoded words (RFC 2047), one a line, each in the shorter one of their two forms. */
function words(text: string): string {
  const encoder = new TextEncoder();
  const pieces: string[] = [];
  let piece = '';
  for (const character of text) {
    if (encoder.encode(piece + character).length > WORD_BYTES) {
      pieces.push(piece);
      piece = '';
    }
    piece += character;
  }
  return [...pieces, piece].map(word).join(`${CRLF} `);
}

function word(text: string): string {
  const bytes = new TextEncoder().encode(text);
  const base64 = bytes.toBase64();
  const quoted = [...bytes].map(quotedByte).join('');
  return base64.length < quoted.length || quoted.length > WORD_LENGTH ? `=?utf-8?b?${base64}?=` : `=?utf-8?q?${quoted}?=`;
}

function quotedByte(byte: number): string {
  const character = String.fromCharCode(byte);
  if (character === ' ') return '_';
  return PLAIN_IN_Q.test(character) ? character : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}
