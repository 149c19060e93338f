const MAX_DEPTH = 4;
const MAX_ENTRIES = 100;

/** A text for people of any value. Calls no getter; what a Proxy's traps do runs under the execution's own deadline. */
export function show(value: unknown, maxChars: number): string {
  return typeof value === 'string' ? value.slice(0, maxChars) : new Printer(maxChars).print(value, 0).slice(0, maxChars);
}

class Printer {
  #left: number;
  readonly #open: object[] = [];

  constructor(maxChars: number) {
    this.#left = maxChars;
  }

  print(value: unknown, depth: number): string {
    const text = this.#text(value, depth);
    this.#left -= text.length;
    return text;
  }

  #text(value: unknown, depth: number): string {
    try {
      if (typeof value === 'string') return JSON.stringify(value.slice(0, Math.max(0, this.#left)));
      if (typeof value === 'bigint') return `${value}n`;
      if (typeof value === 'function') return `[Function ${dataOf(value, 'name') || '(anonymous)'}]`;
      if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : String(value);
      if (Error.isError(value)) return headline(value);
      if (this.#open.includes(value)) return '[Circular]';
      return this.#compound(value, depth);
    } catch {
      return '[unreadable]';
    }
  }

  #compound(value: object, depth: number): string {
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
    if (value instanceof RegExp) return String(value);
    const isArray = Array.isArray(value);
    if (depth >= MAX_DEPTH) return isArray ? '[Array]' : '[Object]';
    this.#open.push(value);
    try {
      if (value instanceof Map)
        return `Map {${this.#list(value.entries(), ([k, v]) => `${this.print(k, depth + 1)} => ${this.print(v, depth + 1)}`)}}`;
      if (value instanceof Set) return `Set {${this.#list(value.values(), (item) => this.print(item, depth + 1))}}`;
      return isArray ? `[${this.#members(value, depth, false)}]` : `{${this.#members(value, depth, true)}}`;
    } finally {
      this.#open.pop();
    }
  }

  #members(value: object, depth: number, named: boolean): string {
    // Of a long array the keys alone would be too much to list.
    const keys = Array.isArray(value) ? indexes(Math.min(value.length, MAX_ENTRIES + 1)) : Object.keys(value);
    return this.#list(keys, (key) => {
      const own = Object.getOwnPropertyDescriptor(value, key);
      const text = own === undefined || 'value' in own ? this.print(own?.value, depth + 1) : '[Getter]';
      return named ? `${/^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key)}: ${text}` : text;
    });
  }

  #list<T>(items: Iterable<T>, print: (item: T) => string): string {
    let text = '';
    let count = 0;
    for (const item of items) {
      if (++count > MAX_ENTRIES || this.#left <= 0) return `${text}, … `;
      text += `${text === '' ? ' ' : ', '}${print(item)}`;
    }
    return text === '' ? '' : `${text} `;
  }
}

function dataOf(target: object, key: string): string {
  const value: unknown = Object.getOwnPropertyDescriptor(target, key)?.value;
  return typeof value === 'string' ? value.slice(0, 200) : '';
}

function indexes(count: number): string[] {
  return Array.from({ length: count }, (_, i) => String(i));
}

/** "TypeError: text", or only the text of a plain Error. Hostile accessors cost no more than their own time. */
export function headline(error: object): string {
  const name = readText(error, 'name');
  const message = readText(error, 'message');
  if (name === '' || name === 'Error') return message === '' ? 'Error' : message;
  return message === '' ? name : `${name}: ${message}`;
}

function readText(error: object, key: 'name' | 'message'): string {
  try {
    const value: unknown = Reflect.get(error, key);
    return typeof value === 'string' ? value : value === undefined ? '' : show(value, 1_000);
  } catch {
    return '';
  }
}
