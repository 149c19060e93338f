import { describe, expect, test } from '@jest/globals';
import { progress, progressLine } from '../../../src/cli/progress.ts';
import { openConfig } from '../../../src/cli/settings.ts';

describe('settings of a command', () => {
  test('--set wins over everything', async () => {
    expect((await openConfig({ set: ['--data_dir=/a/b=c'] })).DATA_DIR).toBe('/a/b=c');
  });

  test('what cannot be used ends the command with 2', async () => {
    await expect(openConfig({ set: ['--port=x'] })).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('PORT: takes a whole'),
    });
  });
});

describe('progress', () => {
  test.each([
    [{ done: 12_000, total: 48_000, passedMs: 2_000 }, 'Backup: 12,000 of 48,000 (25 %), 6,000/s, 6 s left'],
    [{ done: 48_000, total: 48_000, passedMs: 8_000 }, 'Backup: 48,000 of 48,000 (100 %), 6,000/s'],
    [{ done: 5, passedMs: 0 }, 'Backup: 5'],
    [{ done: 0, total: 0, passedMs: 10 }, 'Backup: 0 of 0 (100 %)'],
    [{ done: 100, total: 1_000_000, passedMs: 1_000 }, 'Backup: 100 of 1,000,000 (0 %), 100/s, 2 h 46 min left'],
  ])('%j', (state, line) => expect(progressLine('Backup', state)).toBe(line));

  test('a terminal gets one line, at most ten times a second; anything else gets nothing', () => {
    const written = { terminal: [] as string[], pipe: [] as string[] };
    const stream = (to: string[], isTTY: boolean) => ({ isTTY, columns: 30, write: (text: string) => to.push(text) > 0 }) as never;
    let time = 0;
    for (const [to, isTTY] of [
      [written.terminal, true],
      [written.pipe, false],
    ] as const) {
      using line = progress('Backup', { stream: stream(to, isTTY), now: () => time });
      for (let done = 0; done <= 100; done++, time += 10) line.update(done, 100);
    }
    expect(written.pipe).toEqual([]);
    expect(written.terminal).toHaveLength(12);
    expect(written.terminal[0]).toBe('\r\u001b[KBackup: 0 of 100 (0 %)');
    expect(written.terminal.at(-1)).toBe('\r\u001b[K');
    expect(Math.max(...written.terminal.map((text) => text.length))).toBeLessThanOrEqual(29 + 4);
  });
});
