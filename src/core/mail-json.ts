const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g;
const MAX_INDENT = 32;

/**
 * JSON text with line breaks and two spaces per level. Every string, number and name keeps its spelling, so nothing is lost as it would
 * be by parsing. Stops after about `maxLength` characters; the depth of the text costs nothing.
 * `word` may spell numbers, true, false and null in another way.
 */
export function prettyJson(
  json: string,
  maxLength: number,
  maxIndent = MAX_INDENT,
  word: (token: string) => string = (token) => token,
): string {
  let text = '';
  let depth = 0;
  let before = '';
  for (const [token] of json.matchAll(TOKEN)) {
    if (text.length > maxLength) break;
    const closes = token === '}' || token === ']';
    if (closes) depth--;
    const isEmpty = closes && (before === '{' || before === '[');
    const breaks = before === ',' || before === '{' || before === '[' || closes;
    if (breaks && !isEmpty) text += lineBreak(depth, maxIndent);
    text += token === ':' ? ': ' : isPart(token) ? token : word(token);
    if (token === '{' || token === '[') depth++;
    before = token;
  }
  return text;
}

/** A string, or one of the characters between values. */
function isPart(token: string): boolean {
  return token.startsWith('"') || '{}[],'.includes(token);
}

/** Indentation stops growing at some depth, or the text would grow with the square of it. */
function lineBreak(depth: number, maxIndent: number): string {
  return `\n${'  '.repeat(Math.min(Math.max(depth, 0), maxIndent))}`;
}
