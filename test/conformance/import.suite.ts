import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { BSON, Double, Int32, Long } from 'mongodb';
import { type ImportCounts, importEvents, type Refused } from '../../src/engine/import.ts';
import type { EventImport } from '../../src/ports/event-import.ts';
import type { EventStore } from '../../src/ports/event-store.ts';
import { importFile } from '../../src/wiring/imports.ts';

/** A store that can be opened for import, or as a server sees it, one after the other. */
export interface ImportSubject extends AsyncDisposable {
  openImport(): Promise<EventImport>;
  openStore(): Promise<{ events: EventStore } & AsyncDisposable>;
}

const ARCHIVED = new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 678));
/** As MADSci stores it (M29), with what JSON and JavaScript would lose. */
const document = (id: string, more: Record<string, unknown> = {}): Map<string, unknown> =>
  new Map<string, unknown>([
    ['_id', id],
    ['event_type', 'log_info'],
    ['log_level', new Int32(20)],
    ['alert', false],
    ['event_timestamp', '2026-01-02T03:04:05.678901'],
    ['source', { manager_id: '01JDEM0000SCCFMHXPE0G07MBS' }],
    [
      'event_data',
      new Map<string, unknown>([
        ['10', 'ten'],
        ['9', new Double(1)],
        ['big', Long.fromString('9007199254740993')],
        ['minus', new Double(-0)],
      ]),
    ],
    ['trace_id', null],
    ['span_id', null],
    ['archived', false],
    ['archived_at', null],
    ...Object.entries(more),
  ]);
const TEXT = (id: string): string =>
  `{"_id":"${id}","event_type":"log_info","log_level":20,"alert":false,"event_timestamp":"2026-01-02T03:04:05.678901",` +
  '"source":{"manager_id":"01JDEM0000SCCFMHXPE0G07MBS"},"event_data":{"10":"ten","9":1.0,"big":9007199254740993,"minus":-0.0},' +
  '"trace_id":null,"span_id":null,"archived":false,"archived_at":null}';
const bsonFile = (...documents: Map<string, unknown>[]): Buffer => Buffer.concat(documents.map((one) => BSON.serialize(one)));

export function importConformance(name: string, open: () => Promise<ImportSubject>): void {
  describe(`import into ${name}`, () => {
    const rig = async () => {
      const subject = await open();
      const folder = mkdtempSync(join(tmpdir(), 'hookwright-import-'));
      const refused: Refused[] = [];
      return {
        subject,
        folder,
        refused,
        async take(path: string): Promise<ImportCounts> {
          const file = await importFile(path, 'events');
          await using target = await subject.openImport();
          const events = file.events(() => {});
          return await importEvents({
            events,
            target,
            naiveOffsetMinutes: () => 0,
            onRefused: (one) => refused.push(one),
            onCounts: () => {},
          });
        },
        write(path: string, content: Buffer | string): string {
          writeFileSync(join(folder, path), content);
          return join(folder, path);
        },
        async look<T>(work: (events: EventStore) => Promise<T>): Promise<T> {
          await using store = await subject.openStore();
          return await work(store.events);
        },
        async [Symbol.asyncDispose]() {
          await subject[Symbol.asyncDispose]();
          rmSync(folder, { recursive: true, force: true });
        },
      };
    };
    const NONE = { stored: 0, duplicate: 0, conflict: 0, invalid: 0 };

    test('M35 documents of mongodump keep their text, also when they come twice', async () => {
      await using it = await rig();
      mkdirSync(join(it.folder, 'madsci_events'));
      it.write('madsci_events/events.bson', bsonFile(document('a'), document('b')));
      expect(await it.take(it.folder)).toEqual({ ...NONE, stored: 2 });
      expect(await it.take(join(it.folder, 'madsci_events'))).toEqual({ ...NONE, duplicate: 2 });
      expect(await it.look((events) => events.get('a'))).toBe(TEXT('a'));
    });

    test('M29 archive dates stay dates: what the server archived is purged, what a client sent as archived stays', async () => {
      await using it = await rig();
      const byServer = document('server', { archived: true, archived_at: ARCHIVED });
      const byClient = document('client', { archived: true, archived_at: '2026-01-02T03:04:05.678000' });
      await it.take(it.write('events.bson', bsonFile(byServer, byClient)));
      await it.look(async (events) => {
        expect(await events.get('server')).toContain('"archived":true,"archived_at":"2026-01-02T03:04:05.678000"}');
        expect(await events.purgeArchived(ARCHIVED.getTime())).toBe(0);
        expect(await events.purgeArchived(ARCHIVED.getTime() + 1)).toBe(1);
        expect(await events.get('client')).not.toBe(null);
      });
    });

    test('compressed files, arrays, the map of GET /events and lines are read alike', async () => {
      await using it = await rig();
      const texts = Array.from({ length: 40 }, (_, n) => TEXT(`event ${n}`));
      const map = `{${texts.map((text, n) => ` "event ${n}" : ${text}`).join(',\n')}}`;
      expect(await it.take(it.write('a.bson.gz', gzipSync(bsonFile(document('gz')))))).toEqual({ ...NONE, stored: 1 });
      expect(await it.take(it.write('a.json', `\ufeff[ ${texts.join(' , ')} ]\n`))).toEqual({ ...NONE, stored: 40 });
      expect(await it.take(it.write('b.json', map))).toEqual({ ...NONE, duplicate: 40 });
      expect(await it.take(it.write('c.ndjson', texts.join('\n')))).toEqual({ ...NONE, duplicate: 40 });
      expect(await it.take(it.write('d.json', texts.join('\n')))).toEqual({ ...NONE, duplicate: 40 });
      expect(await it.take(it.write('e.jsonl.gz', gzipSync(`${texts.join('\r\n')}\n\n`)))).toEqual({ ...NONE, duplicate: 40 });
      expect(await it.take(it.write('f.json', '[]'))).toEqual(NONE);
      expect(await it.take(it.write('g.json', '{}'))).toEqual({ ...NONE, invalid: 1 });
      expect(await it.look((events) => events.get('event 7'))).toBe(TEXT('event 7'));
    });

    test('what the server archived is known by its text too', async () => {
      await using it = await rig();
      const archived = TEXT('a').replace(
        '"archived":false,"archived_at":null',
        '"archived":true,"archived_at":"2026-01-02T03:04:05.678000"',
      );
      await it.take(it.write('a.json', `{"a":${archived}}`));
      expect(await it.look((events) => events.purgeArchived(ARCHIVED.getTime() + 1))).toBe(1);
    });

    test('what cannot be taken is counted and told, with its place, and the rest is stored', async () => {
      await using it = await rig();
      await it.take(it.write('a.ndjson', TEXT('taken')));
      const lines = [
        TEXT('taken').replace('ten', 'eleven'),
        '{"_id": "broken"',
        TEXT('x').replace('log_info', '5').replace('20,', '"high",'),
        TEXT('no time').replace(/"event_timestamp":"[^"]*",/, ''),
        TEXT('good'),
      ];
      expect(await it.take(it.write('b.ndjson', lines.join('\n')))).toEqual({ ...NONE, stored: 1, conflict: 1, invalid: 3 });
      expect(it.refused.map(({ place }) => place).sort()).toEqual(['line 1', 'line 2', 'line 3', 'line 4']);
      const reasons = it.refused.map(({ reason }) => reason).join('\n');
      expect(reasons).toContain('is taken by an event');
      expect(reasons).toContain('event_timestamp is missing');
      expect(await it.look((events) => events.get('taken'))).toBe(TEXT('taken'));
    });

    test('goes on after an interruption: a file that is cut off says so, and the whole one stores what is missing', async () => {
      await using it = await rig();
      const whole = bsonFile(...Array.from({ length: 2_500 }, (_, n) => document(`event ${n}`)));
      const path = it.write('events.bson', whole.subarray(0, whole.length - 10));
      await expect(it.take(path)).rejects.toThrow(/document at byte \d+ is cut off/);
      const counts = await it.take(it.write('events.bson', whole));
      expect(counts.duplicate).toBeGreaterThanOrEqual(2_000);
      expect(counts.stored + counts.duplicate).toBe(2_500);
    });

    test.each([
      ['a.json', '[{"_id":"a"}', /cut off/],
      ['a.json', '"text"', /neither \[ nor \{/],
      ['a.json', '[1,2]', /no event/],
      ['a.json', '[{}]]', /was not opened/],
      ['a.bson', 'nothing of BSON', /no document begins at byte 0/],
      ['a.bson', Buffer.from([0x6d, 0xe2, 0x99, 0x81, 0, 0, 0, 0]), /archive of mongodump/],
      ['a.txt', 'x', /none of the endings/],
    ])('%s with %j is refused with a reason', async (file, content, reason) => {
      await using it = await rig();
      await expect(it.take(it.write(file, content))).rejects.toThrow(reason);
    });

    test('folders without events and paths that lead nowhere are refused', async () => {
      await using it = await rig();
      await expect(it.take(it.folder)).rejects.toThrow(/There is no events.bson/);
      await expect(it.take(join(it.folder, 'nowhere'))).rejects.toThrow(/There is no/);
    });
  });
}
