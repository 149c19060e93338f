import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { call, get, register, settled } from '../client.ts';
import { type Bench, Broken, type Figure } from '../figure.ts';
import { startSubject } from '../processes.ts';
import { anonymousEventText } from '../sample-events.ts';
import { median } from '../statistics.ts';
import { TRIVIAL_HANDLER } from './pipe.ts';

const KIB_PER_MB = 1024;
const IDLE_MS = 3_000;

/** What the server takes while nothing happens, and how fast it is there. */
export async function idle({ size, progress }: Bench): Promise<Figure[]> {
  const rounds = size === 'small' ? 3 : 7;
  const starts: number[] = [];
  const serverMb: number[] = [];
  const runnerMb: number[] = [];
  for (let round = 0; round < rounds; round++) {
    progress(`start ${round + 1} of ${rounds}`);
    const start = performance.now();
    await using server = await startSubject();
    await get(server.url, '/events?number=1');
    starts.push(performance.now() - start);
    await useOnce(server.url);
    await sleep(IDLE_MS);
    const runners = childrenOf(server.pid).map(residentMb);
    if (runners.length === 0) throw new Broken('the server has no runner');
    serverMb.push(residentMb(server.pid));
    runnerMb.push(Math.max(...runners));
  }
  const line = (name: string, unit: string, values: number[], most: number): Figure => ({
    name,
    unit,
    subject: median(values),
    baseline: null,
    ratio: null,
    target: { of: 'subject', most },
  });
  return [
    line('idle server, resident', 'MB', serverMb, 150),
    line('idle runner, resident', 'MB', runnerMb, 100),
    line('start to first answer', 'ms', starts, 1_000),
  ];
}

/** One event through one handler, so that what is loaded on first use is loaded. */
async function useOnce(url: string): Promise<void> {
  const handlerId = await register(url, { name: 'trivial', code: TRIVIAL_HANDLER });
  await call(url, { method: 'POST', path: '/event', body: anonymousEventText() });
  await settled(url, handlerId);
}

function residentMb(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1]) / KIB_PER_MB;
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
}
