import { MongoBulkWriteError, MongoError, MongoInvalidArgumentError, MongoServerError } from 'mongodb';
import { EngineError } from '../../core/errors.ts';

/** How long anything but a query may take before its caller is told that the store does not answer. */
export const OPERATION_MS = 4_500;

const DUPLICATE_KEY = 11_000;
const TIME_LIMIT = 50;
const OUT_OF_DISK = 14_031;
const TOO_LARGE: ReadonlySet<unknown> = new Set([10_334, 17_280]);

/** What went wrong, as callers know it. Texts of the database stay in `cause`. */
export function storeError(error: unknown): Error {
  if (error instanceof EngineError || !(error instanceof MongoError)) return error instanceof Error ? error : new Error(String(error));
  const options = { cause: error };
  if (error.code === TIME_LIMIT) return new EngineError('query_deadline', 'The query took too long and was stopped.', options);
  if (error.code === OUT_OF_DISK) return new EngineError('store_full', 'The disk of the database is full.', options);
  if (TOO_LARGE.has(error.code) || (error instanceof MongoInvalidArgumentError && /larger than the maximum size/.test(error.message)))
    return new EngineError('body_too_large', 'MongoDB keeps documents of at most 16 MiB.', options);
  return new EngineError('store_unavailable', 'The store did not answer, or refused.', options);
}

/** A selector or sort order that the database refuses although the whitelist let it pass. */
export function queryError(error: unknown): Error {
  const isRefused = error instanceof MongoServerError && !error.hasErrorLabel('RetryableError') && REFUSED_QUERY.has(error.code);
  return isRefused
    ? new EngineError('selector_invalid', `MongoDB refuses the query: ${error.message}`, { cause: error })
    : storeError(error);
}
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
