import { existsSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readGolden } from '../support/golden.ts';
import { type Mongod, startReplicaSet } from '../support/mongod.ts';
import { type PythonRun, runPython, SYSTEM_PYTHON } from '../support/python.ts';
import { startServer } from '../support/server.ts';

const { GOLDEN_DIR = join(import.meta.dirname, '../golden') } = process.env;
const FOLDER = resolve(GOLDEN_DIR);
const REPLAY = join(FOLDER, 'replay.py');

const UTILIZATION = globSync('utilization-*.json', { cwd: FOLDER }).map((file) => file.replace('.json', ''));
const GROUPS = ['ingest-ok', 'ingest-bad', 'get', 'list', 'query', 'archive', 'meta', ...UTILIZATION];
const STORES = ['sqlite', 'mongodb'] as const;

describe('answers as the original Event Manager gave them', () => {
  let folder: string;
  let mongod: Mongod;
  beforeAll(async () => {
    if (!existsSync(REPLAY)) throw new Error(`No recorded answers: ${REPLAY} is missing. GOLDEN_DIR names the folder that holds replay.py`);
    folder = mkdtempSync(join(tmpdir(), 'hookwright-golden-'));
    mongod = await startReplicaSet();
  });
  afterAll(async () => {
    await mongod?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A server for each group, with a database of its own: what a client sent as archived cannot be removed through the API (M67). */
  function environment(store: (typeof STORES)[number], group: string): Record<string, string> {
    const backups = { EVENT_BACKUP_DIR: join(folder, 'backups', store, group) };
    return store === 'sqlite' ? backups : { ...backups, EVENT_DB_URL: mongod.url, EVENT_DATABASE_NAME: `golden_${group}` };
  }

  describe.each(STORES)('%s', (store) => {
    test.each(GROUPS)('%s', async (group) => {
      await using server = await startServer({ env: environment(store, group) });
      const run = await runPython(SYSTEM_PYTHON, [REPLAY, server.url, FOLDER, '--only', group, '--show', '100'], folder);
      if (/ soft \d/.test(run.output)) process.stdout.write(`${run.output}\n`);
      expect(faultsOf(run, group)).toBe('none');
    });
  });
});

/** The report of the replay when something in it is not as it has to be. A group that is not there would pass with 0 of 0. */
function faultsOf({ code, output }: PythonRun, group: string): string {
  const [, passed, total] = /^GOLDEN (\d+)\/(\d+)$/m.exec(output) ?? [];
  const failed = output.split('\n').flatMap((line) => /^ {4}FAIL (.*)$/.exec(line)?.[1] ?? []);
  const isWhole = Number(total) > 0 && Number(passed) + failed.length === Number(total) && code === (failed.length > 0 ? 1 : 0);
  const wrong = [...failed, ...unlikeOurs(output, group)];
  return isWhole && wrong.length === 0 ? 'none' : `exit code ${code}\n${output}`;
}

/** Steps where the original errs and ours is not what it should be. Where ours may do as the original does, the replay names it all the same. */
function unlikeOurs(output: string, group: string): string[] {
  const { steps } = readGolden(group);
  const mayBeAlike = steps.filter(({ ours, response }) => ours?.bodyText === undefined && ours?.status?.includes(response.status));
  const allowed = new Set(mayBeAlike.map(({ name }) => `${name}: like the original`));
  return output.split('\n').flatMap((line) => {
    const text = /^ {4}bug {2}(.*)$/.exec(line)?.[1];
    return text === undefined || allowed.has(text) ? [] : [text];
  });
}
