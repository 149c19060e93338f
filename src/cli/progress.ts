const EVERY_MS = 100;
const ERASE = '\r\u001b[K';

/** One line on a terminal that says how far something is. Elsewhere nothing is written: logs and pipes have no use for it. */
export interface Progress extends Disposable {
  /** `total`: absent while it is not known. */
  update(done: number, total?: number): void;
}

export function progress(what: string, { stream = process.stderr, now = Date.now } = {}): Progress {
  if (stream.isTTY !== true) return { update: () => {}, [Symbol.dispose]: () => {} };
  const start = now();
  let last = Number.NEGATIVE_INFINITY;
  return {
    update(done, total) {
      if (now() - last < EVERY_MS && done !== total) return;
      last = now();
      stream.write(`${ERASE}${progressLine(what, { done, total, passedMs: last - start }).slice(0, (stream.columns ?? 80) - 1)}`);
    },
    [Symbol.dispose]: () => void stream.write(ERASE),
  };
}

/** `Backup: 12,000 of 48,000 (25 %), 6,000/s, 6 s left`. */
export function progressLine(
  what: string,
  { done, total, passedMs }: { done: number; total?: number | undefined; passedMs: number },
): string {
  const perSecond = passedMs > 0 ? (done * 1_000) / passedMs : 0;
  const speed = perSecond >= 1 ? `, ${count(perSecond)}/s` : '';
  if (total === undefined) return `${what}: ${count(done)}${speed}`;
  const share = total === 0 ? 100 : Math.floor((100 * done) / total);
  const left = perSecond > 0 && done < total ? `, ${span((total - done) / perSecond)} left` : '';
  return `${what}: ${count(done)} of ${count(total)} (${share} %)${speed}${left}`;
}

const count = (value: number): string => Math.round(value).toLocaleString('en-US');

function span(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  return whole < 3_600
    ? `${Math.floor(whole / 60)} min ${whole % 60} s`
    : `${Math.floor(whole / 3_600)} h ${Math.floor((whole % 3_600) / 60)} min`;
}
