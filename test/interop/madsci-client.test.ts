import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ParsedMail, simpleParser } from 'mailparser';
import { interopPython, runPython } from '../support/python.ts';
import { api, eventually, type ServerProcess, startServer } from '../support/server.ts';
import { type SmtpPeer, smtpPeer } from '../support/smtp-peer.ts';

const COUNT = 2_000;
const NODE = '01JNGVBW5S8E0T8ZR9HX5Y4M03';
const FIRST_RUN = 300;
const CODE = `export default async function (event: any, ctx: any): Promise<string> {
  ctx.log.info('looking at', event._id);
  if (event.event_data?.refuse === true) throw new Error(\`refused \${event._id}\`);
  return \`checked \${event._id} of run \${event.event_data.run}\`;
}
`;

/** One request of the client, as it went over the wire. */
interface Exchange {
  sent: string;
  status: number;
  answer: string;
}
interface Execution {
  event_id: string;
  state: string;
  finished_at: string | null;
}
interface SentEvent {
  event_id: string;
  event_type: string;
  log_level: number;
  alert: boolean;
  event_timestamp: string;
  source: { node_id?: string };
  trace_id: string | null;
  event_data: { run?: number; refuse?: boolean; nested?: { list?: unknown[] } } | null;
}

describe('the unmodified MADSci client', () => {
  let folder: string;
  let peer: SmtpPeer;
  let server: ServerProcess;
  let watcher: number;
  let bystander: number;
  let exchanges: Exchange[];
  let events: SentEvent[];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hookwright-interop-'));
    peer = await smtpPeer();
    server = await startServer({ env: { SMTP_URL: peer.url } });
    watcher = await register({
      name: 'watcher',
      code: CODE,
      tags: ['level:error', `node:${NODE}`],
      filter: { 'event_data.run': { $gte: FIRST_RUN } },
      notify_on_success: 'good@example.org',
      notify_on_failure: 'bad@example.org',
      retry: { max_attempts: 1 },
      concurrency: 4,
    });
    bystander = await register({ name: 'bystander', code: CODE, tags: ['node:of-another-lab'], notify_on_success: 'good@example.org' });
    exchanges = await logEvents();
    events = exchanges.map(({ sent }) => JSON.parse(sent) as SentEvent);
  });

  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await peer?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  async function register(handler: object): Promise<number> {
    const { status, body } = await api(server, 'POST', '/handlers', { hook: 'event.on_ingest', ...handler });
    expect({ status, body }).toMatchObject({ status: 201, body: { state: 'enabled' } });
    return body.id;
  }

  async function logEvents(): Promise<Exchange[]> {
    const file = join(folder, 'exchanges');
    const run = await runPython(interopPython(), [join(import.meta.dirname, 'log_events.py'), server.url, String(COUNT), file], folder);
    if (run.code !== 0) throw new Error(`log_events.py ended with ${run.code}:\n${run.output.slice(-4_000)}`);
    return readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Exchange);
  }

  /** Calls methods of the client in a process of its own. */
  async function ask(...questions: [method: string, args: object][]): Promise<unknown[]> {
    const [asked, answered] = [join(folder, 'questions'), join(folder, 'answers')];
    writeFileSync(asked, JSON.stringify(questions));
    const run = await runPython(interopPython(), [join(import.meta.dirname, 'read_events.py'), server.url, asked, answered], folder);
    if (run.code !== 0) throw new Error(`read_events.py ended with ${run.code}:\n${run.output.slice(-4_000)}`);
    return JSON.parse(readFileSync(answered, 'utf8')) as unknown[];
  }

  async function all<Item = Execution>(path: string): Promise<Item[]> {
    const items: Item[] = [];
    for (let cursor = ''; ; ) {
      const { status, body } = await api(server, 'GET', `${path}&limit=1000${cursor}`);
      expect({ path, status }).toEqual({ path, status: 200 });
      items.push(...body.items);
      if (body.next_cursor === null) return items;
      cursor = `&cursor=${encodeURIComponent(body.next_cursor)}`;
    }
  }

  const isWatched = ({ log_level, source, event_data }: SentEvent): boolean =>
    (log_level === 40 || source.node_id === NODE) && (event_data?.run ?? 0) >= FIRST_RUN;
  const isRefused = (event: SentEvent): boolean => event.event_data?.refuse === true;

  test('M28 M51 logs events of every type and level in every way it has', () => {
    expect(exchanges.filter(({ status }) => status !== 200)).toEqual([]);
    expect(new Set(events.map(({ event_id }) => event_id)).size).toBe(COUNT);
    const pairs = new Set(events.map(({ event_type, log_level }) => `${event_type} ${log_level}`));
    expect(pairs.size).toBe(63 * 6);
  });

  test('M1 is answered with what it sent, to the digit', () => {
    expect(exchanges.filter(({ sent, answer }) => exact(answer) !== exact(withStoredId(sent)))).toEqual([]);
  });

  test('M1 every event is stored as it was sent, to the digit', async () => {
    const response = await fetch(`${server.url}/events?number=0&include_archived=true`);
    const stored = new Map(
      Object.entries(JSON.parse(await response.text(), keepNumbers)).map(([id, event]) => [id, JSON.stringify(event)]),
    );
    expect(stored.size).toBe(COUNT);
    const differing = exchanges.filter(({ sent }, index) => stored.get(events[index]?.event_id ?? '') !== exact(withStoredId(sent)));
    expect(differing).toEqual([]);
  });

  test('B8 a handler runs on exactly the events that its tags and its filter choose', async () => {
    const expected = events
      .filter(isWatched)
      .map(({ event_id }) => event_id)
      .sort();
    expect(expected.length).toBeGreaterThan(200);
    const executions = await eventually(async () => {
      const found = await all(`/executions?handler_id=${watcher}`);
      return found.length >= expected.length && found.every(({ finished_at }) => finished_at !== null) ? found : null;
    }, 60_000);
    expect(executions.map(({ event_id }) => event_id).sort()).toEqual(expected);
    const refused = executions.filter(({ state }) => state === 'dead').map(({ event_id }) => event_id);
    expect(refused.sort()).toEqual(
      events
        .filter((event) => isWatched(event) && isRefused(event))
        .map(({ event_id }) => event_id)
        .sort(),
    );
    expect(await all(`/executions?handler_id=${bystander}`)).toEqual([]);
  });

  test('B9 each execution sends exactly one mail, to the address for its outcome', async () => {
    await eventually(async () => ((await all('/deliveries?state=pending')).length === 0 ? true : null), 120_000);
    const watched = events.filter(isWatched);
    const mails = await Promise.all(peer.mails.map(async ({ to, raw }) => ({ to, mail: await simpleParser(Buffer.from(raw, 'latin1')) })));
    const sentTo = (address: string): ParsedMail[] => mails.filter(({ to }) => to.includes(address)).map(({ mail }) => mail);

    expect(mails.length).toBe(watched.length);
    expect(mails.filter(({ to }) => to.length !== 1)).toEqual([]);
    expect(new Set(mails.map(({ mail }) => mail.messageId)).size).toBe(mails.length);

    const success = sentTo('good@example.org').map(({ text }) => text?.split('\n')[0]);
    const kept = watched.filter((event) => !isRefused(event));
    expect(success.sort()).toEqual(kept.map(({ event_id, event_data }) => `checked ${event_id} of run ${event_data?.run}`).sort());

    const failure = sentTo('bad@example.org').map(({ text }) => /refused \S+/.exec(text ?? '')?.[0]);
    expect(failure.sort()).toEqual(
      watched
        .filter(isRefused)
        .map(({ event_id }) => `refused ${event_id}`)
        .sort(),
    );
    expect(sentTo('bad@example.org').filter(({ text }) => !text?.includes('line 3'))).toEqual([]);
  });

  test('M50 reads single events and lists', async () => {
    const one = events[100] as SentEvent;
    const newest = (level: number, number: number): string[] =>
      events
        .filter(({ log_level }) => log_level >= level)
        .map(({ event_timestamp }) => event_timestamp)
        .sort()
        .reverse()
        .slice(0, number);
    const [single, async, absent, listed, byDefault, withoutBound] = await ask(
      ['get_event', { event_id: one.event_id }],
      ['async_get_event', { event_id: one.event_id }],
      ['get_event', { event_id: '01JNGVBW5S8E0T8ZR9HX5Y4ZZZ' }],
      ['get_events', { number: 10, level: 40 }],
      ['get_events', {}],
      ['async_get_events', { number: 0, level: 50 }],
    );
    expect(single).toEqual(one);
    expect(async).toEqual(one);
    expect(absent).toMatchObject({ raised: expect.stringContaining('404') });
    expect(timesOf(listed)).toEqual(newest(40, 10));
    expect(timesOf(byDefault)).toEqual(newest(20, 100));
    expect(timesOf(withoutBound)).toEqual(newest(50, COUNT));
  });

  test('M53 queries by a selector in the query string, which its own server refuses', async () => {
    const [byType, nested, texts, refused] = await ask(
      ['query_events', { selector: { event_type: 'log_error', log_level: { $gte: 40 }, alert: false } }],
      [
        'async_query_events',
        { selector: { $or: [{ trace_id: null, 'event_data.nested.list.4.deep': { $exists: true } }, { alert: true }] } },
      ],
      ['query_events', { selector: { 'event_data.message': 'it\'s "quoted"', 'event_data.run': { $in: [] } } }],
      ['query_events', { selector: { $where: 'true' } }],
    );
    const found = (test: (event: SentEvent) => boolean): string[] =>
      events
        .filter(test)
        .map(({ event_id }) => event_id)
        .sort();
    expect(idsOf(byType).sort()).toEqual(found((event) => event.event_type === 'log_error' && event.log_level >= 40 && !event.alert));
    expect(idsOf(byType).length).toBeGreaterThan(20);
    expect(idsOf(nested).sort()).toEqual(
      found((event) => event.alert || (event.trace_id === null && event.event_data?.nested?.list !== undefined)),
    );
    expect(texts).toEqual({});
    expect(refused).toMatchObject({ raised: expect.stringContaining('400') });
  });

  test('M13 archives by ids and by date', async () => {
    const ids = events.slice(0, 5).map(({ event_id }) => event_id);
    const bound = '2020-01-01T00:00:00';
    const [byIds, again, byDate, listed] = await ask(
      ['archive_events', { event_ids: ids }],
      ['archive_events', { event_ids: ids }],
      ['archive_events', { before_date: bound }],
      ['get_events', { number: 0, level: 0 }],
    );
    expect(byIds).toEqual({ archived_count: 5, message: 'Successfully archived 5 events' });
    expect(again).toMatchObject({ archived_count: 0 });
    expect(byDate).toMatchObject({ archived_count: 0 });
    expect(idsOf(listed)).toHaveLength(COUNT - 5);
    expect(idsOf(listed)).not.toEqual(expect.arrayContaining([ids[0]]));
  });
});

/** JSON with its numbers as they are spelled, for comparing texts member by member. */
function exact(text: string): string {
  return JSON.stringify(JSON.parse(text, keepNumbers));
}

function keepNumbers(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number' ? `number ${context?.source}` : value;
}

/** The client names the id as its model does, the server as the database (M2). */
function withStoredId(sent: string): string {
  return sent.replace('{"event_id":', '{"_id":');
}

function idsOf(found: unknown): string[] {
  return Object.keys(found as Record<string, SentEvent>);
}

function timesOf(found: unknown): string[] {
  return Object.values(found as Record<string, SentEvent>).map(({ event_timestamp }) => event_timestamp);
}
