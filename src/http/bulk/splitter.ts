/** One item of a bulk upload: its text, or why it has none. */
export type Item = string | ItemFault;

export class ItemFault {
  readonly detail: string;

  constructor(detail: string) {
    this.detail = detail;
  }
}

export const NOT_UTF8 = new ItemFault('The item is not UTF-8');

export function tooLong(maxBytes: number): ItemFault {
  return new ItemFault(`The item has more than ${maxBytes} bytes`);
}

/** Cuts a stream of bytes into items, holding no more than one item. */
export interface Splitter {
  /** The items that end in this chunk. Throws BrokenStream after which nothing more can be read. */
  push(chunk: Buffer): Item[];
  /** What is left when the stream ends. */
  end(): Item[];
}

/** The items cannot be told apart from here on. `items` are those before the fault. */
export class BrokenStream extends Error {
  override readonly name = 'BrokenStream';
  readonly items: readonly Item[];

  constructor(reason: string, position: number, items: readonly Item[]) {
    super(`${reason} at byte ${position}`);
    this.items = items;
  }
}
