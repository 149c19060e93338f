/** Text helpers of the guest: the code that runs inside an isolate, around the user's. */

/** How many bytes `text` has in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff)) bytes += 2;
    else if (unit > 0x7f) bytes += 1; // one half of a pair, or a two-byte character
  }
  return bytes;
}

export function exceeds(text: string, maxBytes: number): boolean {
  if (text.length > maxBytes) return true;
  return text.length * 3 > maxBytes && utf8Length(text) > maxBytes;
}

/** `text`, cut so that it has at most `maxBytes` in UTF-8 and ends in "…" if anything was cut. */
export function clip(text: string, maxBytes: number): string {
  if (!exceeds(text, maxBytes)) return text;
  let bytes = 0;
  let end = 0;
  for (const char of text.slice(0, maxBytes)) {
    const code = char.codePointAt(0) ?? 0;
    bytes += code > 0xffff ? 4 : code > 0x7ff ? 3 : code > 0x7f ? 2 : 1;
    if (bytes > maxBytes - 3) break;
    end += char.length;
  }
  return `${text.slice(0, end)}…`;
}
