import type { LogLevelName } from '../../../core/execution.ts';

/** The global `console`: `write` decides whose log a line belongs to. */
export function makeConsole(write: (level: LogLevelName, args: unknown[]) => void): object {
  const at =
    (level: LogLevelName) =>
    (...args: unknown[]) =>
      write(level, args);
  return { debug: at('debug'), log: at('info'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** structuredClone for what JSON-like data is made of: plain objects, arrays, Map, Set, Date, primitives; cycles and sharing are kept. */
export function structuredClone(value: unknown): unknown {
  return copy(value, new Map());
}

function copy(value: unknown, seen: Map<object, object>): unknown {
  if (typeof value === 'function' || typeof value === 'symbol') throw new TypeError(`a ${typeof value} cannot be cloned`);
  if (typeof value !== 'object' || value === null) return value;
  const known = seen.get(value);
  if (known !== undefined) return known;
  if (value instanceof Date) return new Date(value.getTime());
  if (value instanceof Map)
    return fill(value, new Map(), seen, (clone) => {
      for (const [k, v] of value) clone.set(copy(k, seen), copy(v, seen));
    });
  if (value instanceof Set)
    return fill(value, new Set(), seen, (clone) => {
      for (const v of value) clone.add(copy(v, seen));
    });
  if (Array.isArray(value)) return fill(value, new Array<unknown>(value.length), seen, (clone) => copyMembers(value, clone, seen));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype)
    throw new TypeError('only plain objects, arrays, Map, Set and Date can be cloned');
  return fill(value, {}, seen, (clone) => copyMembers(value, clone, seen));
}

function fill<T extends object>(original: object, clone: T, seen: Map<object, object>, load: (clone: T) => void): T {
  seen.set(original, clone);
  load(clone);
  return clone;
}

function copyMembers(from: object, to: object, seen: Map<object, object>): void {
  for (const key of Object.keys(from)) {
    const value = copy(Reflect.get(from, key), seen);
    Object.defineProperty(to, key, { value, writable: true, enumerable: true, configurable: true });
  }
}
