/** Writes data for people or, with --json, for programs. Standard output has nothing else. */

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

export function printLine(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Columns that are as wide as what is in them. `empty` is what is said when there is no row. */
export function printTable(heads: readonly string[], rows: readonly (readonly string[])[], empty: string): void {
  if (rows.length === 0) printLine(empty);
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows.length === 0 ? [] : [heads.map((head) => head.toUpperCase()), ...rows])
    printLine(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}
