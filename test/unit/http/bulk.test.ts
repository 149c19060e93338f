import { request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { EngineError } from '../../../src/core/errors.ts';
import type { Ingest } from '../../../src/engine/ingest.ts';
import { Tally } from '../../../src/http/bulk/tally.ts';
import { forgetfulIngest, startServer, type TestServer } from './support.ts';

const JSON_TYPE = { 'Content-Type': 'application/json' };
const LINES = { 'Content-Type': 'application/x-ndjson' };
const post = (body: string | Buffer, headers: Record<string, string>) => ({ method: 'POST', body, headers });
const event = (n: number): string => `{"_id":"e${n}","event_data":${n}}`;

/** Notes the sizes of batches, and how many are under way at once. */
function watchedIngest(delayMs = 0): Ingest & { batches: number[]; most: number } {
  const inner = forgetfulIngest();
  let underWay = 0;
  const watched = {
    ...inner,
    batches: [] as number[],
    most: 0,
    async many(texts: readonly string[], firstIndex: number) {
      watched.batches.push(texts.length);
      watched.most = Math.max(watched.most, ++underWay);
      await sleep(delayMs);
      underWay--;
      return inner.many(texts, firstIndex);
    },
  };
  return watched;
}

describe('POST /events', () => {
  test.each([
    ['application/json', `[${event(0)}, {"log_level":7} ,${event(2)}]`],
    ['application/json; charset=utf-8', `[${event(0)}, {"log_level":7} ,${event(2)}]`],
    ['application/x-ndjson', `${event(0)}\n{"log_level":7}\n\n${event(2)}`],
    ['application/ndjson', `${event(0)}\n{"log_level":7}\n\n${event(2)}\n`],
    ['application/jsonl', `${event(0)}\r\n{"log_level":7}\r\n\r\n${event(2)}\r\n`],
    ['application/jsonlines', `${event(0)}\n{"log_level":7}\n${event(2)}\n`],
  ])('%s: a result for each item', async (type, body) => {
    await using server = await startServer();
    const answer = await server.call('/events', post(body, { 'Content-Type': type }));
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toEqual({
      stored: 2,
      duplicate: 0,
      conflict: 0,
      invalid: 1,
      items: [
        { index: 0, id: 'e0', result: 'stored' },
        { index: 1, id: null, result: 'invalid', errors: [{ pointer: '/log_level', detail: 'Input should be 0, 10, 20, 30, 40 or 50' }] },
        { index: 2, id: 'e2', result: 'stored' },
      ],
    });
  });

  test('summary=true leaves stored items out', async () => {
    await using server = await startServer();
    const answer = await server.call('/events?summary=true', post(`${event(0)}\nnull\n`, LINES));
    expect(JSON.parse(answer.text)).toMatchObject({ stored: 1, invalid: 1, items: [{ index: 1, result: 'invalid' }] });
  });

  test.each([
    ['application/json', '[]'],
    ['application/x-ndjson', ''],
  ])('%s: nothing is nothing', async (type, body) => {
    await using server = await startServer();
    const answer = await server.call('/events', post(body, { 'Content-Type': type }));
    expect(answer).toMatchObject({ status: 200, text: '{"stored":0,"duplicate":0,"conflict":0,"invalid":0,"items":[]}' });
  });

  test.each([{ 'Content-Type': 'text/plain' }, { 'Content-Type': 'application/cloudevents+json' }, {}])(
    '%j is not read',
    async (headers) => {
      await using server = await startServer();
      const answer = await server.call('/events', post('[]', headers as Record<string, string>));
      expect(answer).toMatchObject({ status: 415, headers: { 'content-type': 'application/problem+json' } });
    },
  );

  test('an item over the line limit, and one that is no text, are invalid in their places', async () => {
    await using server = await startServer();
    const body = Buffer.concat([Buffer.from(`${event(0)}\n"${'x'.repeat(10_001)}"\n`), Buffer.from([0xff, 0x0a]), Buffer.from(event(3))]);
    const { items } = JSON.parse((await server.call('/events', post(body, LINES))).text) as {
      items: { result: string; errors?: unknown }[];
    };
    expect(items.map(({ result }) => result)).toEqual(['stored', 'invalid', 'invalid', 'stored']);
    expect(items[1]?.errors).toEqual([{ pointer: '', detail: 'Value error, The item has more than 10000 bytes' }]);
  });

  test('a compressed upload', async () => {
    await using server = await startServer();
    const body = gzipSync(Array.from({ length: 3_000 }, (_, n) => event(n)).join('\n'));
    const answer = await server.call('/events?summary=1', post(body, { ...LINES, 'Content-Encoding': 'gzip' }));
    expect(JSON.parse(answer.text)).toMatchObject({ stored: 3_000, items: [] });
  });

  test('batches are of 512 items or a quarter megabyte, two under way, results in order', async () => {
    const ingest = watchedIngest(5);
    await using server = await startServer({ ingest });
    const small = Array.from({ length: 2_000 }, (_, n) => event(n));
    const large = Array.from({ length: 100 }, (_, n) => `{"_id":"l${n}","event_data":"${'x'.repeat(9_000)}"}`);
    const { items } = JSON.parse((await server.call('/events', post([...small, ...large].join('\n'), LINES))).text) as {
      items: { index: number; id: string }[];
    };
    expect(ingest.most).toBe(2);
    expect(Math.max(...ingest.batches)).toBe(512);
    expect(ingest.batches.slice(4, -1).every((size) => size < 200)).toBe(true);
    expect(items.map(({ index }) => index)).toEqual(items.map((_, i) => i));
    expect(items.at(-1)?.id).toBe('l99');
  });
});

describe('an upload that breaks', () => {
  test.each([
    ['[{"_id":"a"},{"_id":"b"}', 'The array does not end at byte 24', 1],
    ['[{"_id":"a"},]', 'Expecting value at byte 13', 1],
    ['[{"_id":"a"}] more', 'Extra data at byte 14', 1],
    ['{"_id":"a"}', 'Expecting an array at byte 0', 0],
    ['', 'Expecting an array at byte 0', 0],
  ])('%s: what came before stays stored, and the answer says where', async (body, detail, stored) => {
    await using server = await startServer();
    const answer = await server.call('/events', post(body, JSON_TYPE));
    expect(answer).toMatchObject({ status: 400, headers: { 'content-type': 'application/problem+json' } });
    const problem = JSON.parse(answer.text) as { items: unknown[] };
    expect(problem).toMatchObject({ code: 'invalid_json', detail, stored });
    expect(problem.items).toHaveLength(stored);
  });

  test('a store that fails ends it with its own error and the counts so far', async () => {
    const inner = forgetfulIngest();
    let batches = 0;
    const many: Ingest['many'] = async (texts, firstIndex) => {
      if (++batches === 3) throw new EngineError('store_full', 'No room');
      return inner.many(texts, firstIndex);
    };
    await using server = await startServer({ ingest: { ...inner, many } });
    const answer = await server.call('/events?summary=true', post(Array.from({ length: 100_000 }, (_, n) => event(n)).join('\n'), LINES));
    expect(answer.status).toBe(507);
    // one more batch may have been under way beside the one that failed
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'store_full', detail: 'No room', stored: (batches - 1) * 512 });
    expect(batches).toBeLessThanOrEqual(4);
  });

  test('a broken gzip stream', async () => {
    await using server = await startServer();
    const body = gzipSync(event(0)).fill(0, 12);
    expect((await server.call('/events', post(body, { ...LINES, 'Content-Encoding': 'gzip' }))).status).toBe(400);
  });

  test('a client that goes away stops the reading; whole lines that came are stored', async () => {
    const ingest = watchedIngest();
    await using server = await startServer({ ingest });
    const socket = await server.socket();
    socket.write(
      `POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: 1000000\r\n\r\n${event(0)}\n${event(1)}\n{"_id":`,
    );
    await sleep(30);
    socket.destroy();
    await sleep(50);
    expect(ingest.batches).toEqual([2]);
  });
});

describe('large uploads in bounded memory', () => {
  /** Sends `count` events as a stream that obeys back pressure, and answers the summary. */
  async function upload(server: TestServer, type: string, count: number): Promise<Record<string, unknown>> {
    const isArray = type === 'application/json';
    const sent = httpRequest({
      port: server.port,
      host: '127.0.0.1',
      path: '/events?summary=true',
      method: 'POST',
      headers: { 'Content-Type': type },
    });
    const answered = new Promise<string>((resolve, reject) => {
      sent.on('error', reject);
      sent.on('response', (response) => {
        let text = '';
        response
          .setEncoding('utf8')
          .on('data', (chunk: string) => (text += chunk))
          .on('end', () => resolve(text));
      });
    });
    for (let n = 0; n < count; n += 1_000) {
      const lines = Array.from(
        { length: Math.min(1_000, count - n) },
        (_, i) => `${isArray ? (n + i === 0 ? '[' : ',') : ''}${event(n + i)}`,
      );
      if (!sent.write(`${lines.join('\n')}\n`)) await new Promise((resolve) => sent.once('drain', resolve));
    }
    sent.end(isArray ? ']' : '');
    return JSON.parse(await answered) as Record<string, unknown>;
  }

  test.each(['application/x-ndjson', 'application/json'])('200,000 events as %s', async (type) => {
    await using server = await startServer();
    await upload(server, type, 2_000);
    const before = process.memoryUsage().rss;
    expect(await upload(server, type, 200_000)).toEqual({ stored: 200_000, duplicate: 0, conflict: 0, invalid: 0, items: [] });
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
  });

  test('a slow store holds the client back', async () => {
    const ingest = watchedIngest(400);
    await using server = await startServer({ ingest });
    const socket = await server.socket();
    socket.write('POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: 1000000000\r\n\r\n');
    const line = `${event(1)}\n`.repeat(10_000);
    let written = 0;
    const feed = (): void => {
      while (socket.write(line)) written += line.length;
    };
    socket.on('drain', feed).on('error', () => {});
    feed();
    await sleep(300);
    expect(written).toBeLessThan(20_000_000); // the buffers of the system, not the upload
    expect(ingest.batches.length).toBeLessThanOrEqual(2);
    socket.destroy();
  });
});

describe('the list of results', () => {
  const stored = (index: number) => ({ index, id: `e${index}`, result: 'stored' as const });
  const conflict = (index: number) => ({ index, id: `e${index}`, result: 'conflict' as const });

  test('is bounded for stored items and for the others, and says so', () => {
    const tally = new Tally({ listStored: true, maxListed: 2 });
    tally.add([stored(0), stored(1), stored(2), conflict(3), conflict(4), conflict(5)]);
    expect(JSON.parse(`{${tally.members()}}`)).toEqual({
      stored: 3,
      duplicate: 0,
      conflict: 3,
      invalid: 0,
      items: [stored(0), stored(1), conflict(3), conflict(4)],
      items_truncated: true,
    });
  });

  test('is not truncated by items that nobody wanted', () => {
    const tally = new Tally({ listStored: false, maxListed: 1 });
    tally.add([stored(0), stored(1), conflict(2)]);
    expect(JSON.parse(`{${tally.members()}}`)).toEqual({ stored: 2, duplicate: 0, conflict: 1, invalid: 0, items: [conflict(2)] });
  });

  test('holds no more of a hostile item than a few lines', () => {
    const tally = new Tally({ listStored: true });
    const issue = { type: 'x', loc: ['k'.repeat(100_000)], msg: 'm'.repeat(100_000), input: 'i'.repeat(100_000) };
    tally.add([{ index: 0, id: null, result: 'invalid', issues: Array.from({ length: 1_000 }, () => issue) }]);
    expect(tally.members().length).toBeLessThan(10_000);
    const many = Array.from({ length: 5_000 }, (_, index) => ({
      index,
      id: null,
      result: 'invalid' as const,
      issues: [issue, issue, issue, issue, issue, issue, issue, issue],
    }));
    tally.add(many);
    expect(tally.members()).toContain('"invalid":5001');
    expect(tally.members().length).toBeLessThan(17_000_000);
    expect(tally.members()).toContain('"items_truncated":true');
  });
});
