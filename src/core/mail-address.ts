import { oneLine } from './mail-text.ts';

/** A mail address as it is used: one recipient, nothing to parse any more. */
export type AddressCheck = { ok: true; address: string } | { ok: false; detail: string };
/** Who mails come from: the only place where a display name is read. */
export interface Sender {
  name: string;
  address: string;
}

const MAX_LENGTH = 320;
const MAX_LOCAL = 64;
const MAX_DOMAIN = 255;
const LOCAL_PART = /^[\w!#$%&'*+\-/=?^`{|}~]+(?:\.[\w!#$%&'*+\-/=?^`{|}~]+)*$/;
/** Letters, marks and decimal digits of any script: none of them maps to a dot, an at sign or a slash when a resolver normalises it. */
const LABEL = /^[\p{L}\p{M}\p{Nd}](?:[\p{L}\p{M}\p{Nd}-]{0,61}[\p{L}\p{M}\p{Nd}])?$/u;

/** What is likeliest wrong, in the words of whoever typed it. */
const COMMON_FAULTS: readonly [RegExp, string][] = [
  [/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u, 'control and invisible characters are not allowed'],
  [/[,;]/, 'one address per field: commas and semicolons are not allowed'],
  [/[<>]/, 'give the plain address, without a name and angle brackets'],
  [/["\\()[\]]/, 'quotes, comments and address literals are not supported'],
  [/\s/u, 'spaces are not allowed'],
];

/**
 * Checks the one form of address that is taken anywhere: `local@domain`, plain. No list, name, quotes, comment, literal or control
 * character passes, so an address that passed is one recipient in a header and in an envelope. Domain names may be
 * international; the part before the @ is ASCII, since few mail servers take more.
 */
export function checkAddress(text: string): AddressCheck {
  if (typeof text !== 'string') return refused('an address is a text');
  if (text === '') return refused('an address is needed');
  if (text.length > MAX_LENGTH) return refused(`an address has at most ${MAX_LENGTH} characters`);
  for (const [fault, detail] of COMMON_FAULTS) if (fault.test(text)) return refused(detail);
  const at = text.indexOf('@');
  if (at < 0 || at !== text.lastIndexOf('@')) return refused('an address has exactly one @, as in name@example.org');
  const local = text.slice(0, at);
  if (local.length > MAX_LOCAL || !LOCAL_PART.test(local)) return refused('the part before the @ is not valid');
  return isDomain(text.slice(at + 1)) ? { ok: true, address: text } : refused('the part after the @ is not a valid domain name');
}

/** Reads `name@example.org` or `Name <name@example.org>`. */
export function checkSender(text: string): ({ ok: true } & Sender) | { ok: false; detail: string } {
  const form = /^([^<>]{0,200})<([^<>]*)>$/.exec(text);
  const checked = checkAddress(form?.[2] ?? text);
  if (!checked.ok) return checked;
  const name = oneLine(form?.[1] ?? '', 200).replace(/^"(.*)"$/, '$1');
  return { ok: true, name, address: checked.address };
}

/** The domain of a checked address as a Message-ID may carry it: ASCII only. */
export function messageIdDomain(address: string): string {
  const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase();
  return /^[a-z0-9.-]+$/.test(domain) ? domain : 'hookwright.invalid';
}

/** A checked address as a header of ASCII carries it: with the domain in the form that name servers know. */
export function asciiAddress(address: string): string {
  const at = address.lastIndexOf('@') + 1;
  const domain = address.slice(at);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is asked for
  if (/^[\x00-\x7f]*$/.test(domain) || !URL.canParse(`http://${domain}`)) return address;
  return address.slice(0, at) + new URL(`http://${domain}`).hostname;
}

function isDomain(domain: string): boolean {
  return domain.length <= MAX_DOMAIN && domain.split('.').every((label) => LABEL.test(label));
}

function refused(detail: string): { ok: false; detail: string } {
  return { ok: false, detail };
}
