const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g;
const MAX_INDENT = 32;

/**
 * JSON text with line breaks and two spaces per level. Every string, number and name keeps its spelling, so nothing is lost as it would
 * be by parsing. Stops after about `maxLength` characters; the depth of the text costs nothing.
 */
export function prettyJson(json: string, maxLength: number): string {
  let text = '';
  let depth = 0;
  let before = '';
  for (const [token] of json.matchAll(TOKEN)) {
    if (text.length > maxLength) break;
    const closes = token === '}' || token === ']';
    if (closes) depth--;
    const isEmpty = closes && (before === '{' || before === '[');
    const breaks = before === ',' || before === '{' || before === '[' || closes;
    if (breaks && !isEmpty) text += lineBreak(depth);
    text += token === ':' ? ': ' : token;
    if (token === '{' || token === '[') depth++;
    before = token;
  }
  return text;
}

/** Indentation stops growing at some depth, or the text would grow with the square of it. */
function lineBreak(depth: number): string {
  return `\n${'  '.repeat(Math.min(Math.max(depth, 0), MAX_INDENT))}`;
}
