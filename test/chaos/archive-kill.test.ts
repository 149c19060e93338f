import { setTimeout } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { api } from '../support/server.ts';
import { Host, ROUNDS, randomOf } from './chaos.ts';

/** Kill -9 in the middle of archiving: each event is archived or not, all counts agree, and the next run does the rest. */

const EVENTS = 20_000;
const OLD = 15_000;
const daysAgo = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString().replace('Z', '+00:00');

async function fill(host: Host): Promise<void> {
  const ages = Array.from({ length: EVENTS }, (_, n) => (n < OLD ? 100 : 1));
  const lines = ages.map((days, n) => JSON.stringify({ _id: `e${n}`, event_type: 'test', event_timestamp: daysAgo(days) }));
  const headers = { 'Content-Type': 'application/x-ndjson' };
  const response = await fetch(`${host.server.url}/events`, { method: 'POST', headers, body: `${lines.join('\n')}\n` });
  expect(await response.json()).toMatchObject({ stored: EVENTS });
}

test(
  'whatever kills a run of retention or a request to archive, each event is whole, and the next run completes it',
  async () => {
    const random = randomOf('archive-kill');
    const env = { EVENT_RETENTION_ENABLED: 'true', EVENT_MAX_BATCHES_PER_RUN: '0', EVENT_ARCHIVE_BATCH_SIZE: '200' };
    await using host = await Host.start({ env: {} });
    await fill(host);
    await host.server.kill('SIGTERM');
    await using busy = await Host.start({ folder: host.folder, env });
    const seen: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      // The run of the start is under way, and this one beside it.
      const ids = Array.from({ length: 1_000 }, () => `e${random.below(OLD)}`);
      const asked = api(busy.server, 'POST', '/events/archive', { event_ids: ids }).catch(() => null);
      await setTimeout(random.between(50, 1_500));
      await busy.server.kill('SIGKILL');
      await asked;
      seen.push(await archivedNow(busy));
      await busy.restart();
    }
    for (let looks = 0; looks < 600; looks++) {
      const { body } = await api(busy.server, 'GET', '/retention');
      if (body.state === 'idle' && body.last_run?.complete === true && body.last_run.error === null) break;
      await setTimeout(100);
    }
    process.stderr.write(`chaos: archived after each kill ${seen.join(', ')}\n`);
    expect(seen).toEqual([...seen].sort((one, other) => one - other));
    using audit = await busy.audit();
    expect(audit.integrity).toBe('ok');
    expect(audit.count('SELECT count(*) FROM events')).toBe(EVENTS);
    expect(audit.count('SELECT count(*) FROM events WHERE archived = 1')).toBe(OLD);
    expect(audit.count(TORN)).toBe(0);
  },
  60_000 + ROUNDS * 10_000,
);

/** Column and text say the same of each event. */
const TORN = `SELECT count(*) FROM events WHERE archived <> json_extract(doc, '$.archived') OR (archived = 1) <> (archived_at_ms IS NOT NULL)
  OR (archived = 1) <> (json_extract(doc, '$.archived_at') IS NOT NULL)`;

async function archivedNow(host: Host): Promise<number> {
  const { DatabaseSync } = await import('node:sqlite');
  using db = new DatabaseSync(`${host.folder}/hookwright.db`, { timeout: 5_000 });
  expect(db.prepare(TORN).get()).toEqual({ 'count(*)': 0 });
  return Number(db.prepare('SELECT count(*) AS n FROM events WHERE archived = 1').get()?.['n']);
}
