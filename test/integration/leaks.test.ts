import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

test('sees what is left open, and nothing once it is closed', async () => {
  const script = join(import.meta.dirname, '../support/leaves-open.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [script], { timeout: 20_000 });
  const { open, left } = JSON.parse(stdout) as { open: string[]; left: string[] };
  const kinds = [/^child process \d+ sleep 60$/, /TCPServerWrap/, /MessagePort/, /^open file .*hookwright\.db$/];
  for (const kind of kinds) expect(open).toContainEqual(expect.stringMatching(kind));
  expect(left).toEqual([]);
});
