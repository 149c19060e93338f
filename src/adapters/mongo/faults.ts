import { setTimeout as sleep } from 'node:timers/promises';
import { MongoBulkWriteError, MongoError, MongoInvalidArgumentError, MongoNetworkError, MongoServerError } from 'mongodb';
import { EngineError } from '../../core/errors.ts';

/** How long anything but a query may take before its caller is told that the store does not answer. */
export const OPERATION_MS = 4_500;

/** For what names its documents: the database need not weigh other indexes against that of `_id`, which costs more than the write. */
export const BY_ID = { _id: 1 } as const;

const DUPLICATE_KEY = 11_000;
const TIME_LIMIT = 50;
const OUT_OF_DISK = 14_031;
const TOO_LARGE: ReadonlySet<unknown> = new Set([10_334, 17_280]);

/** What went wrong, as callers know it. Texts of the database stay in `cause`. */
export function storeError(error: unknown): Error {
  const options = { cause: error };
  if (isBrokenConnection(error)) return new EngineError('store_unavailable', 'The connection to the store broke.', options);
  if (error instanceof EngineError || !(error instanceof MongoError)) return error instanceof Error ? error : new Error(String(error));
  if (error.code === TIME_LIMIT) return new EngineError('query_deadline', 'The query took too long and was stopped.', options);
  if (error.code === OUT_OF_DISK) return new EngineError('store_full', 'The disk of the database is full.', options);
  if (TOO_LARGE.has(error.code) || (error instanceof MongoInvalidArgumentError && /larger than the maximum size/.test(error.message)))
    return new EngineError('body_too_large', 'MongoDB keeps documents of at most 16 MiB.', options);
  return new EngineError('store_unavailable', 'The store did not answer, or refused.', options);
}

/**
 * What the system says of a connection. The driver hands it on as it is when a command was just being written, and as the code of a
 * bulk write's error.
 */
function isBrokenConnection(error: unknown): boolean {
  return BROKEN.has((error as { code?: unknown } | null | undefined)?.code);
}
const BROKEN: ReadonlySet<unknown> = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ENOTCONN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** A selector or sort order that the database refuses although the whitelist let it pass. */
export function queryError(error: unknown): Error {
  if (error instanceof MongoServerError && UNSORTABLE.test(error.message))
    return new EngineError('sort_invalid', `MongoDB cannot sort so: ${error.message}`, { cause: error });
  const isRefused = error instanceof MongoServerError && !error.hasErrorLabel('RetryableError') && REFUSED_QUERY.has(error.code);
  return isRefused
    ? new EngineError('selector_invalid', `MongoDB refuses the query: ${error.message}`, { cause: error })
    : storeError(error);
}
/** Two members that both hold lists, or a number in a path that may be an index or a name. */
const UNSORTABLE = /parallel arrays|Ambiguous field name/;
/** BadValue, FailedToParse, TypeMismatch, Overflow, and what its regular expressions answer. */
const REFUSED_QUERY: ReadonlySet<unknown> = new Set([2, 9, 14, 15, 51_091, 51_108]);

/** Runs `work` and names its errors; gives up after `ms`, though the database may still do what it was asked. */
export async function bounded<T>(work: () => Promise<T>, ms = OPERATION_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new EngineError('store_unavailable', 'The store did not answer in time.')), ms);
  });
  try {
    return await Promise.race([work(), late]);
  } catch (error) {
    throw storeError(error);
  } finally {
    clearTimeout(timer);
  }
}

const FIRST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 500;

/** As `bounded`, for work that changes nothing when it is done twice: it is tried again while connections break or another member becomes primary. */
export async function steady<T>(work: () => Promise<T>, ms = OPERATION_MS): Promise<T> {
  const end = performance.now() + ms;
  const tries = async (): Promise<T> => {
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
      try {
        return await work();
      } catch (error) {
        if (!isPassing(error) || performance.now() + wait > end) throw error;
      }
      await sleep(wait);
    }
  };
  return bounded(tries, ms);
}

/** A member that stops, starts, or is no longer (or not yet) primary. */
const PASSING: ReadonlySet<unknown> = new Set([6, 7, 89, 91, 189, 262, 9_001, 10_107, 11_600, 11_602, 13_435, 13_436]);

function isPassing(error: unknown): boolean {
  return error instanceof MongoNetworkError || isBrokenConnection(error) || (error instanceof MongoError && PASSING.has(error.code));
}

export const isDuplicate = (error: unknown): boolean => error instanceof MongoServerError && error.code === DUPLICATE_KEY;

/**
 * The places of the documents that an unordered insert did not take because their ids are there already.
 * Throws for every other error: then it is not known what was written.
 */
export async function insertNew(insert: () => Promise<unknown>): Promise<number[]> {
  try {
    await insert();
    return [];
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError) || error.result.getWriteConcernError() !== undefined) throw error;
    const faults = [error.writeErrors].flat();
    if (faults.length === 0 || faults.some(({ code }) => code !== DUPLICATE_KEY)) throw error;
    return faults.map(({ index }) => index);
  }
}
