import type { Bridge } from './bridge.ts';
import { jsonText, parseJson } from './json.ts';
import type { Run } from './run.ts';

const MAX_KEY_CHARS = 256;

/** What this execution has done to one key: `known` replaced its value, `added` counts on top of it. */
interface Own {
  known: { value: string } | null;
  added: number | bigint;
}

/** `ctx.state`: reads see this execution's own writes; nothing is written before the outcome is committed. */
export function stateOf(run: Run, bridge: Bridge): object {
  const own = new Map<string, Own>();
  return Object.freeze({
    async get(key: unknown): Promise<unknown> {
      const name = keyText(key);
      const mine = own.get(name);
      run.assertRunning();
      const base = mine?.known ? parseJson(mine.known.value) : await bridge.call(run, 'state.get', { key: name });
      return withAdded(base, own.get(name)?.added ?? 0);
    },
    set(key: unknown, value: unknown): void {
      const name = keyText(key);
      const text = jsonText(value);
      run.state({ op: 'state.set', key: name, value: text });
      own.set(name, { known: { value: text }, added: 0 });
    },
    delete(key: unknown): void {
      const name = keyText(key);
      run.state({ op: 'state.delete', key: name });
      own.set(name, { known: { value: 'null' }, added: 0 });
    },
    increment(key: unknown, by: unknown = 1): void {
      const name = keyText(key);
      if (typeof by !== 'number' || !Number.isFinite(by)) throw new TypeError('state.increment takes a finite number');
      run.state({ op: 'state.increment', key: name, by });
      const mine = own.get(name);
      own.set(name, { known: mine?.known ?? null, added: sum(mine?.added ?? 0, by) });
    },
  });
}

function keyText(key: unknown): string {
  if (typeof key !== 'string' || key === '' || key.length > MAX_KEY_CHARS) {
    throw new TypeError(`a state key is a text of 1 to ${MAX_KEY_CHARS} characters`);
  }
  return key;
}

function withAdded(base: unknown, added: number | bigint): unknown {
  if (added === 0) return base;
  if (base === null || base === undefined) return added;
  if (typeof base !== 'number' && typeof base !== 'bigint') throw new TypeError('state.increment was used on a value that is not a number');
  return sum(base, added);
}

function sum(a: number | bigint, b: number | bigint): number | bigint {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  return isInteger(a) && isInteger(b) ? BigInt(a) + BigInt(b) : Number(a) + Number(b);
}

function isInteger(value: number | bigint): boolean {
  return typeof value === 'bigint' || Number.isInteger(value);
}
