import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

const MS_PER_TICK = 10;
/** In /proc/self/stat, counted behind the name of the program: user and system time, own and of children that have ended. */
const TIMES = [11, 12, 13, 14];

/**
 * Starts to watch what everything else on the machine takes; the answer is the cores it took since, or null where the system does not
 * tell. Processes of the bench count as its own once they have ended.
 */
export function watchOthers(): () => number | null {
  const start = performance.now();
  const [busyBefore, ownBefore] = [busyMs(), ownMs()];
  return () => {
    const own = ownMs();
    if (own === null || ownBefore === null) return null;
    const others = busyMs() - busyBefore - (own - ownBefore);
    return Math.max(0, others / (performance.now() - start));
  };
}

function busyMs(): number {
  let busy = 0;
  for (const { times } of cpus()) busy += times.user + times.nice + times.sys + times.irq;
  return busy;
}

function ownMs(): number | null {
  try {
    const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ') ?? [];
    return TIMES.reduce((sum, index) => sum + Number(fields[index]) * MS_PER_TICK, 0);
  } catch {
    return null;
  }
}
