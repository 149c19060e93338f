import { createRequire } from 'node:module';
import type { Db, Document } from 'mongodb';

interface DocumentSequence {
  push(document: unknown, bytes: Uint8Array): number;
}
/**
 * The driver sends documents as bytes only from within. Through its public way each would be read into objects and written again, which
 * takes three times as long and changes what objects cannot hold, such as the order of members named by numbers. The version of the
 * driver is pinned, and the suite of backups fails when this goes.
 */
const { DocumentSequence: Sequence } = createRequire(import.meta.url)('mongodb/lib/cmap/commands.js') as {
  DocumentSequence: new (field: string, documents: readonly unknown[]) => DocumentSequence;
};

export interface RawFault {
  index: number;
  code: number;
  message: string;
}

/** Inserts documents as the very bytes they are; answers those that were not taken. */
export async function insertRaw(db: Db, collection: string, documents: readonly Buffer[], writeConcern: Document): Promise<RawFault[]> {
  const sequence = new Sequence('documents', []);
  for (const document of documents) sequence.push(document, document);
  const reply = await db.command({ insert: collection, ordered: false, writeConcern, documents: sequence });
  const concern = reply['writeConcernError'] as { errmsg?: string } | undefined;
  if (concern !== undefined) throw new Error(`not written durably: ${concern.errmsg}`);
  const faults = (reply['writeErrors'] ?? []) as { index: number; code: number; errmsg: string }[];
  return faults.map(({ index, code, errmsg }) => ({ index, code, message: errmsg }));
}

const MOST_DOCUMENTS = 5_000;
const MOST_BYTES = 16_000_000;

/** Documents in portions that one command takes. */
export async function* portionsOf(documents: AsyncIterable<Buffer>): AsyncGenerator<Buffer[]> {
  let portion: Buffer[] = [];
  let bytes = 0;
  for await (const document of documents) {
    if (portion.length === MOST_DOCUMENTS || (portion.length > 0 && bytes + document.length > MOST_BYTES)) {
      yield portion;
      [portion, bytes] = [[], 0];
    }
    portion.push(document);
    bytes += document.length;
  }
  if (portion.length > 0) yield portion;
}
