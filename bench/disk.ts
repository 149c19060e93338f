import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './processes.ts';
import { median } from './statistics.ts';

const WRITES = 100;
const PAGE = Buffer.alloc(4_096);

/** Median time of an fdatasync after 4 kB were appended, in milliseconds: what a durable commit waits for at the least. */
export function fdatasyncMs(): number {
  using folder = temporaryFolder();
  const file = openSync(join(folder.path, 'probe'), 'w');
  const times = Array.from({ length: WRITES }, () => {
    writeSync(file, PAGE);
    const start = performance.now();
    fdatasyncSync(file);
    return performance.now() - start;
  });
  closeSync(file);
  return median(times);
}
