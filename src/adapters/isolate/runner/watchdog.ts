import { BEAT_MS, type Culprit, type FromRunner, type Verdict } from '../protocol.ts';
import type { WarmIsolate } from './warm-isolate.ts';

const TICK_MS = 8;
/** Ticks without work after which the clock stops: batches come in bursts. */
const IDLE_TICKS = 3;
const SLACK_BYTES = 60 * 2 ** 20;
const MIB = 2 ** 20;

export interface Watchdog {
  /** There is work (again). */
  wake(): void;
}

/**
 * Looks at time and memory of a busy process, from a thread that runs no user code. Costs nothing while idle.
 * A verdict about time is sent and the isolate forgotten; the server ends the process. One about memory ends it at once.
 */
export function startWatchdog(isolates: Map<string, WarmIsolate>, send: (message: FromRunner, then?: () => void) => void): Watchdog {
  let timer: NodeJS.Timeout | null = null;
  let baseBytes = 0;
  let idleTicks = 0;
  let beatAt = 0;
  const condemned = new Set<WarmIsolate>();

  const condemn = (verdict: Verdict, then?: () => void) => send({ type: 'condemned', verdict }, then);
  const alive = () => [...isolates.values()].filter((isolate) => !condemned.has(isolate));

  function tick(): void {
    const now = performance.now();
    for (const isolate of alive()) {
      const verdict = isolate.check(now);
      if (verdict === null) continue;
      condemned.add(isolate);
      condemn(verdict);
    }
    const rssBytes = process.memoryUsage.rss();
    if (rssBytes > allowance(isolates, baseBytes)) {
      overflow();
      return;
    }
    const busy = alive().filter((isolate) => isolate.isBusy);
    if (now - beatAt >= BEAT_MS || busy.some((isolate) => isolate.hasNews)) beat(now, busy, rssBytes);
    idleTicks = busy.length > 0 ? 0 : idleTicks + 1;
    if (idleTicks >= IDLE_TICKS) rest(rssBytes);
  }

  function beat(now: number, busy: WarmIsolate[], rssBytes: number): void {
    beatAt = now;
    send({ type: 'beat', running: busy.flatMap((isolate) => isolate.running()), rssBytes });
  }

  function overflow(): void {
    stop();
    // With a condemned isolate about, the memory is its doing.
    const running = condemned.size > 0 ? [] : alive().flatMap((isolate) => isolate.culprits());
    condemn(memoryVerdict(running), () => process.kill(process.pid, 'SIGKILL'));
  }

  function rest(rssBytes: number): void {
    stop();
    for (const isolate of isolates.values()) isolate.wasUsed = false;
    send({ type: 'idle', rssBytes });
  }

  function stop(): void {
    if (timer !== null) clearInterval(timer);
    timer = null;
  }

  return {
    wake() {
      idleTicks = 0;
      if (timer !== null) return;
      baseBytes = process.memoryUsage.rss();
      beatAt = performance.now();
      timer = setInterval(tick, TICK_MS);
    },
  };
}

/** What the process may have resident: busy isolates as much as isolated-vm may overshoot, those done their limit. */
function allowance(isolates: Map<string, WarmIsolate>, baseBytes: number): number {
  let mib = 0;
  for (const isolate of isolates.values()) mib += isolate.isBusy ? 3 * isolate.memoryMb : isolate.wasUsed ? isolate.memoryMb : 0;
  return baseBytes + SLACK_BYTES + mib * MIB;
}

function memoryVerdict(running: Culprit[]): Verdict {
  const known = running.length === 1;
  const message = 'used far more memory than its limit';
  return { reason: 'memory', message, culprits: known ? running : [], suspects: known ? [] : running, lost: [] };
}
