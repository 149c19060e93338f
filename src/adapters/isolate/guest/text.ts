/** Text helpers of the guest: the code that runs inside an isolate, around the user's. */

const isHigh = (unit: number) => unit >= 0xd800 && unit <= 0xdbff;
const isLow = (unit: number) => unit >= 0xdc00 && unit <= 0xdfff;

/** How many bytes `text` has in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit <= 0x7f) continue;
    bytes += unit > 0x7ff ? 2 : 1;
    if (isHigh(unit) && isLow(text.charCodeAt(i + 1))) {
      i++; // two units for four bytes: the second costs nothing more
    }
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
