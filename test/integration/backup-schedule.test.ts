import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { cron } from '../../src/adapters/cron/cron.ts';
import type { PlannedTimes } from '../../src/core/schedule.ts';
import { backupSchedule } from '../../src/engine/backup-schedule.ts';
import { createBackup } from '../../src/engine/backups.ts';
import { backupParts } from '../../src/wiring/backups.ts';
import { eventually } from '../support/server.ts';
import { HandClock, openTestStore } from '../support/store.ts';

const START = Date.UTC(2026, 2, 1, 1);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const AT_TWO = { cron: '0 2 * * *', timezone: 'UTC' };

async function rig() {
  const stack = new AsyncDisposableStack();
  const store = stack.use(await openTestStore());
  const path = mkdtempSync(join(tmpdir(), 'hookwright-scheduled-'));
  stack.defer(() => rmSync(path, { recursive: true, force: true }));
  const clock = new HandClock(START);
  const parts = await backupParts({
    EVENT_DB_URL: undefined,
    EVENT_DATABASE_NAME: 'madsci_events',
    EVENT_COLLECTION_NAME: 'events',
    DATA_DIR: store.folder,
    BACKUP_DIR: path,
    BACKUP_MAX_COUNT: 10,
  });
  const reading = cron.read(AT_TWO, START);
  const times = (reading as { times: PlannedTimes }).times;
  const made: number[] = [];
  const failures: unknown[] = [];
  const settings = store.keys;
  return {
    clock,
    settings,
    made,
    failures,
    parts,
    server(fails = false) {
      const schedule = backupSchedule({
        schedule: AT_TWO,
        times,
        settings,
        leadership: undefined,
        clock,
        log: () => {},
        async list() {
          const found = await parts.folder.list();
          return found.map(({ path, createdAt, bytes, manifest }) => ({
            path,
            createdAt,
            bytes,
            isValid: true,
            scheduledFor: manifest?.scheduled_for == null ? null : Date.parse(manifest.scheduled_for),
          }));
        },
        async make(scheduledFor) {
          if (fails) {
            failures.push(scheduledFor);
            throw new Error('no room');
          }
          await createBackup(parts, { description: 'scheduled_backup', max: null, scheduledFor });
          made.push(scheduledFor);
        },
      });
      schedule.start();
      clock.advance(0);
      return schedule;
    },
    /** When the next backup is due, once that is another time than `before`. */
    planned: (before: number | null) =>
      eventually(async () => {
        const text = await settings.setting('backup_schedule');
        const due = text === null ? null : (JSON.parse(text) as { due: number }).due;
        return due === before || due === null ? null : due;
      }),
    /** Nothing is under way any more, and a timer says when to look again. */
    idle: () => eventually(async () => (clock.nextAt === null ? null : clock.nextAt)),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test('makes a backup at each instant of the schedule', async () => {
  await using it = await rig();
  it.server();
  expect(await it.planned(null)).toBe(START + HOUR);
  await it.idle();
  for (let day = 0; day < 3; day++) {
    while (it.clock.now() < START + HOUR + day * DAY) {
      it.clock.advance(Math.min(START + HOUR + day * DAY - it.clock.now(), 12 * HOUR));
      await it.idle();
    }
    expect(await it.planned(START + HOUR + day * DAY)).toBe(START + HOUR + (day + 1) * DAY);
    await it.idle();
  }
  expect(it.made).toEqual([START + HOUR, START + HOUR + DAY, START + HOUR + 2 * DAY]);
  expect((await it.parts.folder.list()).map(({ manifest }) => manifest?.scheduled_for)).toContain('2026-03-01T02:00:00.000Z');
});

test('a start after the instant makes up for it once, and only once', async () => {
  await using it = await rig();
  const first = it.server();
  await it.planned(null);
  await it.idle();
  first.stop();
  it.clock.advance(3 * DAY);
  it.server();
  expect(await it.planned(START + HOUR)).toBe(START + HOUR + 3 * DAY);
  expect(it.made).toEqual([START + HOUR]);
  await it.idle();
  it.server();
  await it.idle();
  expect(it.made).toEqual([START + HOUR]);
});

test('a server that died after the backup, before it moved the plan on, makes no second one', async () => {
  await using it = await rig();
  const first = it.server();
  await it.planned(null);
  const text = (await it.settings.setting('backup_schedule')) as string;
  await it.idle();
  it.clock.advance(HOUR);
  const moved = await it.planned(START + HOUR);
  await it.idle();
  first.stop();
  // The plan as it was before.
  await it.settings.exchangeSetting('backup_schedule', await it.settings.setting('backup_schedule'), text);
  it.server();
  expect(await it.planned(START + HOUR)).toBe(moved);
  expect(it.made).toEqual([START + HOUR]);
});

test('one that fails is not tried without end: the next comes at its time', async () => {
  await using it = await rig();
  it.server(true);
  await it.planned(null);
  await it.idle();
  it.clock.advance(HOUR);
  expect(await it.planned(START + HOUR)).toBe(START + HOUR + DAY);
  expect(it.failures).toEqual([START + HOUR]);
});

test('a schedule that was changed is planned anew', async () => {
  await using it = await rig();
  await it.settings.exchangeSetting('backup_schedule', null, JSON.stringify({ cron: '0 5 * * *', timezone: 'UTC', due: START - 1 }));
  it.server();
  expect(await it.planned(START - 1)).toBe(START + HOUR);
  expect(it.made).toEqual([]);
});
