/** Where a number may stand that a double cannot hold. Also hits inside strings; that costs time, never correctness. */
const LONG_INTEGER = /(?:^|[\s:,[])-?\d{16,}(?=[\s,\]}]|$)/;

/** JSON.parse, with integers beyond 2^53 as BigInt. */
export function parseJson(text: string): unknown {
  return LONG_INTEGER.test(text)
    ? JSON.parse(text, reviveInteger as (this: unknown, key: string, value: unknown) => unknown)
    : JSON.parse(text);
}

function reviveInteger(_key: string, value: unknown, context: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || context.source === undefined) return value;
  return /^-?\d+$/.test(context.source) ? BigInt(context.source) : value;
}

/** Makes JSON.stringify write a BigInt as a JSON integer everywhere in this realm, the user's own calls included. */
export function installBigIntJson(): void {
  Object.defineProperty(BigInt.prototype, 'toJSON', {
    value(this: bigint) {
      return rawJson(String(this));
    },
    writable: true,
    configurable: true,
  });
}

// TypeScript's library does not know JSON.rawJSON yet.
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;

/** JSON text of any value; "null" for what JSON has no word for. Throws what hostile values throw. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value) ?? 'null';
}
