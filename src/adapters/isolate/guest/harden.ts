const REMOVED = ['WebAssembly', 'SharedArrayBuffer', 'Atomics', 'FinalizationRegistry', 'WeakRef', 'escape', 'unescape'];

/**
 * Takes away what handlers have no use for and freezes the rest of the realm, so that no execution can change what the next one,
 * or the guest itself, sees. After this the guest may call built-in methods as usual.
 */
export function hardenRealm(): void {
  for (const name of REMOVED) Reflect.deleteProperty(globalThis, name);
  for (const prototype of overridable()) allowOverride(prototype);
  freezeReachable([...globalValues(), ...hiddenIntrinsics()]);
  for (const key of Reflect.ownKeys(globalThis)) fixGlobal(key);
}

function globalValues(): unknown[] {
  return Reflect.ownKeys(globalThis)
    .filter((key) => key !== 'globalThis')
    .map((key) => Reflect.get(globalThis, key));
}

function fixGlobal(key: string | symbol): void {
  const own = Object.getOwnPropertyDescriptor(globalThis, key);
  if (own === undefined || own.configurable !== true) return;
  Object.defineProperty(globalThis, key, { value: Reflect.get(globalThis, key), writable: false, enumerable: false, configurable: false });
}

/** Objects that no global leads to. */
function hiddenIntrinsics(): unknown[] {
  const iterators = [
    [].values(),
    new Map().values(),
    new Set().values(),
    ''[Symbol.iterator](),
    ''.matchAll(/x/g),
    [].values().map(String),
  ];
  return [...iterators, Iterator.from({ next: () => ({ done: true, value: 0 }) }), function* () {}, async () => {}, async function* () {}];
}

/** Prototypes whose members people assign over on their own objects (`this.name = …` in a subclass of Error). */
function overridable(): object[] {
  const errors = [Error, AggregateError, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError];
  return [Object.prototype, Function.prototype, ...errors.map((kind): object => kind.prototype)];
}

/**
 * A frozen data member forbids assignment to the same name on every object that inherits it. As an accessor it does not: the
 * setter gives the receiver a member of its own.
 */
function allowOverride(prototype: object): void {
  for (const key of Reflect.ownKeys(prototype)) {
    const own = Object.getOwnPropertyDescriptor(prototype, key);
    if (own === undefined || !('value' in own) || own.configurable !== true) continue;
    const value: unknown = own.value;
    Object.defineProperty(prototype, key, {
      get: () => value,
      set(this: object, replacement: unknown) {
        if (this === prototype) throw new TypeError(`cannot change a built-in prototype (${String(key)})`);
        Object.defineProperty(this, key, { value: replacement, writable: true, enumerable: true, configurable: true });
      },
      enumerable: false,
      configurable: true,
    });
  }
}

function freezeReachable(roots: unknown[]): void {
  const seen = new Set<unknown>();
  const open = roots;
  for (let value = open.pop(); value !== undefined || open.length > 0; value = open.pop()) {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) continue;
    seen.add(value);
    Object.freeze(value);
    open.push(Object.getPrototypeOf(value));
    for (const key of Reflect.ownKeys(value)) {
      const own = Object.getOwnPropertyDescriptor(value, key);
      if (own !== undefined) open.push(own.value, own.get, own.set);
    }
  }
}
