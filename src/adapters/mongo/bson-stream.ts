/** A document and what the server adds to it in its own collections. */
const LARGEST = 16_793_600;
const SMALLEST = 5;

/** Cuts bytes, as they come from a file of mongodump, into the documents that stand in it one after the other. Throws where that cannot be. */
export async function* documentsOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  let place = 0;
  for await (const chunk of chunks) {
    const fresh = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const bytes = rest.length === 0 ? fresh : Buffer.concat([rest, fresh]);
    let at = 0;
    while (bytes.length - at >= 4) {
      const size = bytes.readInt32LE(at);
      if (size < SMALLEST || size > LARGEST) throw new Error(`no document begins at byte ${place + at}`);
      if (bytes.length - at < size) break;
      if (bytes[at + size - 1] !== 0) throw new Error(`the document at byte ${place + at} has no end`);
      yield bytes.subarray(at, at + size);
      at += size;
    }
    rest = bytes.subarray(at);
    place += at;
  }
  if (rest.length > 0) throw new Error(`the document at byte ${place} is cut off`);
}
