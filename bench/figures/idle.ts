import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { call, get, register, settled } from '../client.ts';
import { type Bench, Broken, type Figure } from '../figure.ts';
import { startSubject, temporaryFolder } from '../processes.ts';
import { anonymousEventText } from '../sample-events.ts';
import { median } from '../statistics.ts';
import { TRIVIAL_HANDLER } from './pipe.ts';

const KIB_PER_MB = 1024;
/** Threads for slow reads are given back after 30 s. */
const IDLE_MS = 33_000;

/**
 * What the server takes while nothing happens, and how fast it is there: on an empty data folder, and as it starts ever after, with the
 * compile cache that the first start has left there.
 */
export async function idle({ size, progress }: Bench): Promise<Figure[]> {
  const rounds = size === 'small' ? 3 : 9;
  using newFolder = temporaryFolder();
  using oldFolder = temporaryFolder();
  progress('first start');
  const first = await timedStart(newFolder.path);
  await using firstServer = first.server;
  const starts: number[] = [];
  for (let round = -1; round < rounds; round++) {
    progress(`start ${round + 1} of ${rounds}`);
    const { server, ms } = await timedStart(oldFolder.path);
    await using _ = server;
    if (round >= 0) starts.push(ms);
  }
  await using server = (await timedStart(oldFolder.path)).server;
  for (const { url } of [firstServer, server]) await useOnce(url);
  progress('idling');
  await sleep(IDLE_MS);
  const runners = childrenOf(server.pid).map(residentMb);
  if (runners.length === 0) throw new Broken('the server has no runner');

  const line = (name: string, unit: string, subject: number, target: Figure['target']): Figure => ({
    name,
    unit,
    subject,
    baseline: null,
    ratio: null,
    target,
  });
  return [
    line('idle server, resident', 'MB', residentMb(server.pid), { of: 'subject', most: 150 }),
    line('idle server after its first start ever', 'MB', residentMb(firstServer.pid), null),
    line('idle runner, resident', 'MB', Math.max(...runners), { of: 'subject', most: 100 }),
    line('start to first answer', 'ms', median(starts), { of: 'subject', most: 1_000 }),
    line('first start ever to first answer', 'ms', first.ms, null),
  ];
}

async function timedStart(folder: string): Promise<{ server: Awaited<ReturnType<typeof startSubject>>; ms: number }> {
  const start = performance.now();
  const server = await startSubject({ folder });
  await get(server.url, '/events?number=1');
  return { server, ms: performance.now() - start };
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
