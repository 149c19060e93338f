import { afterAll, beforeAll } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { type Mongod, startReplicaSet } from './mongod.ts';

const START_MS = 120_000;

/** A replica set of one for all tests of a file, and a client on it; both are there from the first `beforeAll` on. */
export function mongodOfFile(): { readonly url: string; readonly client: MongoClient } {
  let mongod: Mongod;
  let client: MongoClient;
  beforeAll(async () => {
    mongod = await startReplicaSet();
    client = await MongoClient.connect(mongod.url);
  }, START_MS);
  afterAll(async () => {
    await client?.close();
    await mongod?.[Symbol.asyncDispose]();
  });
  return {
    get url() {
      return mongod.url;
    },
    get client() {
      return client;
    },
  };
}
