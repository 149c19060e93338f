import { valueIssue } from '../../core/validation.ts';
import type { Ingest, ItemResult } from '../../engine/ingest.ts';
import { type Item, ItemFault } from './splitter.ts';
import type { Tally } from './tally.ts';

const BATCH_ITEMS = 512;
const BATCH_CHARS = 262_144;
/** One batch is being stored while the next one fills. */
const MAX_OUTSTANDING = 2;

type Batch = { items: Item[]; chars: number; firstIndex: number };
type Settled = { ok: true; results: ItemResult[] } | { ok: false; error: unknown };

/**
 * Feeds items to the store in batches, at most two of them outstanding; awaiting `add` is what holds a fast client back.
 * After a batch failed nothing more is sent, and `finish` throws what went wrong.
 */
export class BulkIngest {
  readonly #ingest: Ingest;
  readonly #tally: Tally;
  readonly #outstanding: Promise<Settled>[] = [];
  #batch: Batch = { items: [], chars: 0, firstIndex: 0 };
  #failure: { error: unknown } | null = null;

  constructor(ingest: Ingest, tally: Tally) {
    this.#ingest = ingest;
    this.#tally = tally;
  }

  /** Answers whether more is welcome. */
  async add(items: readonly Item[]): Promise<boolean> {
    for (const item of items) {
      this.#batch.items.push(item);
      this.#batch.chars += typeof item === 'string' ? item.length : 0;
      if (this.#batch.items.length >= BATCH_ITEMS || this.#batch.chars >= BATCH_CHARS) await this.#submit();
      if (this.#failure !== null) return false;
    }
    return true;
  }

  async finish(): Promise<void> {
    if (this.#failure === null) await this.#submit();
    while (this.#outstanding.length > 0) await this.#settleOldest();
    if (this.#failure !== null) throw this.#failure.error;
  }

  async #submit(): Promise<void> {
    const batch = this.#batch;
    if (batch.items.length === 0) return;
    this.#batch = { items: [], chars: 0, firstIndex: batch.firstIndex + batch.items.length };
    while (this.#outstanding.length >= MAX_OUTSTANDING) await this.#settleOldest();
    if (this.#failure === null) this.#outstanding.push(settled(ingestBatch(this.#ingest, batch)));
  }

  /** In the order of the upload, so that results are listed in it. */
  async #settleOldest(): Promise<void> {
    const outcome = await this.#outstanding.shift();
    if (outcome === undefined) return;
    if (outcome.ok) this.#tally.add(outcome.results);
    else this.#failure ??= { error: outcome.error };
  }
}

/** A rejection that nobody awaits yet must not end the process. */
function settled(results: Promise<ItemResult[]>): Promise<Settled> {
  return results.then(
    (values) => ({ ok: true, results: values }),
    (error: unknown) => ({ ok: false, error }),
  );
}

async function ingestBatch(ingest: Ingest, { items, firstIndex }: Batch): Promise<ItemResult[]> {
  const texts = items.filter((item) => typeof item === 'string');
  if (texts.length === items.length) return ingest.many(texts, firstIndex);
  const results = (texts.length === 0 ? [] : await ingest.many(texts, firstIndex)).values();
  return items.map((item, i) => {
    const index = firstIndex + i;
    if (item instanceof ItemFault) return { index, id: null, result: 'invalid', issues: [valueIssue([], item.detail, null)] };
    const result = results.next().value;
    if (result === undefined) throw new Error('The engine answered fewer results than it got items');
    return { ...result, index };
  });
}
