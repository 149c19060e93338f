import { describe, expect, test } from '@jest/globals';
import type { ExactObject } from '../../../../src/core/json.ts';
import { reportCsv } from '../../../../src/core/utilization/csv.ts';
import { float } from '../../../../src/core/utilization/python-number.ts';

const users = (author: string): ExactObject => ({
  report_metadata: {},
  system_summary: {},
  user_utilization: {
    only: { author, total_workflows: 1, total_runtime_hours: float(2), shortest_workflow_hours: null, longest_workflow_hours: -1e-7 },
  },
});
/** The last row, which begins with this cell. */
const row = (cell: string): string => `\r\n${cell},1,,,,2.0,,,,-1e-07\r\n`;
const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

describe('CSV of reports', () => {
  test.each(['Ada', 'a "b", c', 'two\nlines', 'one\rline', ' blanks ', '1+1', ''])('M20 %j is a cell as Python writes it', (author) => {
    expect(reportCsv('users', users(author)).endsWith(row(quoted(author)))).toBe(true);
  });

  test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\tx', '\rx', '=cmd|" /C calc"!A0'])('%j can be no formula (RELIABILITY 20)', (author) => {
    expect(reportCsv('users', users(author)).endsWith(row(quoted(`'${author}`)))).toBe(true);
  });
});
