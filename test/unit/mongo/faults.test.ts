import { describe, expect, test } from '@jest/globals';
import { MongoNetworkError, MongoServerError } from 'mongodb';
import { steady, storeError } from '../../../src/adapters/mongo/faults.ts';
import { EngineError } from '../../../src/core/errors.ts';

/** As the driver hands on what a socket says while a command is written. */
const broken = (code: string): Error => Object.assign(new Error(`write ${code}`), { errno: -104, code, syscall: 'write' });

describe('what goes wrong with MongoDB, as callers know it', () => {
  test.each([
    [broken('ECONNRESET'), 'store_unavailable'],
    [broken('EPIPE'), 'store_unavailable'],
    [new MongoNetworkError('connection closed'), 'store_unavailable'],
    [new MongoServerError({ code: 50, message: 'slow' }), 'query_deadline'],
    [new MongoServerError({ code: 14_031, message: 'full' }), 'store_full'],
  ])('%s is %s', (error, code) => expect(storeError(error)).toMatchObject({ code, cause: error }));

  test.each([new EngineError('sort_invalid', 'x'), new TypeError('a fault of ours'), broken('ENOENT')])('%s stays what it is', (error) =>
    expect(storeError(error)).toBe(error),
  );

  test('work that may be repeated is, when the connection broke', async () => {
    let tries = 0;
    const work = async (): Promise<string> => {
      if (++tries < 3) throw broken('ECONNRESET');
      return 'done';
    };
    expect([await steady(work), tries]).toEqual(['done', 3]);
  });
});
