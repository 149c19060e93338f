import { cut } from './mail-text.ts';

const LINES_AROUND = 2;
const MAX_WIDTH = 200;

/**
 * The lines around a place in a source, numbered, with the line marked by `>` and the column by `^`; null when there is no such line.
 * `line` and `column` are 1-based.
 */
export function markSource(source: string, line: number, column: number | null): string | null {
  const lines = source.split(/\r\n?|\n/);
  if (!Number.isInteger(line) || line < 1 || line > lines.length) return null;
  const first = Math.max(1, line - LINES_AROUND);
  const last = Math.min(lines.length, line + LINES_AROUND);
  const digits = String(last).length;
  const marked: string[] = [];
  for (let at = first; at <= last; at++) {
    const text = lines[at - 1] ?? '';
    const isMarked = at === line;
    marked.push(`${isMarked ? '>' : ' '} ${String(at).padStart(digits)} | ${cut(text, MAX_WIDTH)}`);
    if (isMarked && column !== null && column >= 1 && column <= Math.min(text.length + 1, MAX_WIDTH)) {
      marked.push(`  ${' '.repeat(digits)} | ${padding(text.slice(0, column - 1))}^`);
    }
  }
  return marked.join('\n');
}

/** Blanks as wide as the text; tabs stay tabs, so that the mark stands below its column however wide they are shown. */
function padding(text: string): string {
  return text.replace(/[^\t]/g, ' ');
}
