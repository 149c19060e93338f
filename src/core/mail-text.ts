/** Characters that end or reorder a line, whatever follows them: controls, line and paragraph separators, bidi marks, BOM. */
const BREAKS_A_LINE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;
/** Controls other than tab and line feed: no terminal or mail reader should see them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

/** One line that stays one line in headers, tables and logs: nothing in it breaks it or reorders what stands beside it. */
export function oneLine(text: string, maxLength: number): string {
  // Cut first, so that a huge word costs nothing; spaces that collapse may then leave a little less than allowed.
  const line = cut(text.toWellFormed(), maxLength).replace(BREAKS_A_LINE, ' ');
  return line.replace(/ {2,}/g, ' ').trim();
}

/** Text of many lines for a mail body: LF line ends, no controls, valid Unicode; else unchanged. */
export function plainText(text: string): string {
  return text.toWellFormed().replace(/\r\n?/g, '\n').replace(CONTROLS, '\ufffd');
}

/** At most `maxLength` UTF-16 units, never half a character; an ellipsis stands for what was cut. */
export function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const end = isLowSurrogate(text.charCodeAt(maxLength - 1)) ? maxLength - 2 : maxLength - 1;
  return `${text.slice(0, end)}…`;
}

/** The longest beginning of the text that takes at most `maxBytes` in UTF-8. */
export function cutBytes(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text;
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(maxBytes));
  return text.slice(0, read);
}

export function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** The instant in UTC, or 'unknown' for a number that is none. */
export function instant(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? 'unknown' : date.toISOString();
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
