import type { LogLine } from '../../../core/execution.ts';

/** Where an execution's first log lines also go, for the case that it has to be ended before it reports. */
export interface Journal {
  clear(): void;
  add(line: LogLine): void;
}

/** `units` is shared memory: first how many characters there are, then the lines as JSON texts. */
export function journalOf(units: Uint16Array | null): Journal {
  if (units === null) return { clear() {}, add() {} };
  return {
    clear() {
      units[0] = 0;
    },
    add(line) {
      const used = units[0] ?? 0;
      const text = `${JSON.stringify(line)}\n`;
      if (used + text.length >= units.length) return;
      for (let i = 0; i < text.length; i++) units[1 + used + i] = text.charCodeAt(i);
      units[0] = used + text.length;
    },
  };
}
