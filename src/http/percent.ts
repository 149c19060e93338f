/** Percent-decoded as Python does it: what is no escape stays, what is no UTF-8 becomes U+FFFD. */
export function percentDecoded(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) => Buffer.from(escapes.replaceAll('%', ''), 'hex').toString('utf8'));
  }
}

const STRAY_PERCENT = /%(?![0-9a-f]{2})/gi;
const PLAIN_ESCAPE = /%(?:2[def]|3\d|[46][1-9a-f]|[57][0-9a]|5f|7e)/gi;

/**
 * A path with letters, digits and `-._~` as themselves: written as escapes they mean the same (RFC 3986, 6.2.2.2). Slashes too: MADSci decodes
 * them before it looks for a route, so an id with a slash leads nowhere (M9). A percent sign that begins no escape is written as one, or it would
 * begin one with what comes after it.
 */
export function plainPath(path: string): string {
  return path.replace(STRAY_PERCENT, '%25').replace(PLAIN_ESCAPE, (text) => decodeURIComponent(text));
}
