/** The server's local time as MADSci writes it (M4): naive, with microseconds, which are dropped when they are zero. */
export interface LocalTime {
  nowUs(): number;
  nowText(): string;
  /** Minutes that the local clock is ahead of UTC when it shows `localUs` (microseconds since 1970 on that clock). */
  naiveOffsetMinutes(localUs: number): number;
}

const QUARTER_US = 900_000_000;
const two = (value: number): string => String(value).padStart(2, '0');

export function localTime(now: () => number = Date.now): LocalTime {
  let second = Number.NaN;
  let secondText = '';
  let lastQuarter = Number.NaN;
  let lastOffset = 0;
  // The clock has milliseconds; the rest comes from the monotonic one, so that events of one millisecond are told apart.
  const nowUs = (): number => now() * 1_000 + Number((process.hrtime.bigint() / 1_000n) % 1_000n);
  return {
    nowUs,
    nowText() {
      const us = nowUs();
      const at = Math.floor(us / 1_000_000);
      if (at !== second) {
        second = at;
        secondText = textOfSecond(new Date(at * 1_000));
      }
      const fraction = us % 1_000_000;
      return fraction === 0 ? secondText : `${secondText}.${String(fraction).padStart(6, '0')}`;
    },
    naiveOffsetMinutes(localUs) {
      // Zones change their offset on a quarter of an hour, and most events are of the same one.
      const quarter = Math.floor(localUs / QUARTER_US);
      if (quarter === lastQuarter) return lastOffset;
      // Read as if it were UTC to get at the digits, then as local time.
      const shown = new Date(localUs / 1_000);
      const local = new Date(shown.getUTCFullYear(), shown.getUTCMonth(), shown.getUTCDate(), shown.getUTCHours(), shown.getUTCMinutes());
      lastQuarter = quarter;
      lastOffset = -local.getTimezoneOffset() || 0;
      return lastOffset;
    },
  };
}

function textOfSecond(at: Date): string {
  const date = `${String(at.getFullYear()).padStart(4, '0')}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${date}T${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** The day on the server's clock, as YYYYMMDD. */
export function localDay(ms: number): string {
  return textOfSecond(new Date(ms)).slice(0, 10).replaceAll('-', '');
}
