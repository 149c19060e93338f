import type { Key } from '../core/key.ts';
import type { Clock } from '../ports/clock.ts';
import type { KeyStore } from '../ports/key-store.ts';

/** A key in steady use is written down this often: its last use is for people, who need it to the minute. */
const NOTE_EVERY_MS = 60_000;
/** How long noted uses wait for others to share their commit. */
const FLUSH_AFTER_MS = 5_000;

/** When keys were last used: remembered at once, written down in batches. */
export interface KeyUses extends AsyncDisposable {
  note(key: Key): void;
  lastUse(key: Key): number | null;
}

export function keyUses({ store, clock, report }: { store: KeyStore; clock: Clock; report(error: unknown): void }): KeyUses {
  /** The last use that was noted, by key; the one in the key itself is as old as the process. */
  const noted = new Map<string, number>();
  let pending = new Map<string, number>();
  let cancelFlush: (() => void) | null = null;

  async function flush(): Promise<void> {
    cancelFlush?.();
    cancelFlush = null;
    const uses = [...pending].map(([id, at]) => ({ id, at }));
    pending = new Map();
    if (uses.length > 0) await store.touch(uses).catch(report);
  }

  /** Another server may have noted a later one. */
  const lastUse = ({ id, lastUsedAt }: Key): number | null => {
    const own = noted.get(id);
    return own === undefined || lastUsedAt === null ? (own ?? lastUsedAt) : Math.max(own, lastUsedAt);
  };

  return {
    lastUse,
    note(key) {
      const now = clock.now();
      const last = lastUse(key);
      if (last !== null && Math.abs(now - last) < NOTE_EVERY_MS) return;
      noted.set(key.id, now);
      pending.set(key.id, now);
      cancelFlush ??= clock.after(FLUSH_AFTER_MS, () => void flush());
    },
    [Symbol.asyncDispose]: flush,
  };
}
