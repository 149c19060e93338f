/** The server's REST interface as the figures use it. */
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { ADMIN_KEY } from '../test/support/server.ts';
import { assertCount, Broken } from './figure.ts';

const agent = new Agent({ keepAlive: true, maxSockets: 32 });
const SETTLE_MS = 300_000;
const POLL_MS = 5;

export interface Call {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  body?: string | Buffer;
  type?: string;
}

/** Answers the body; anything but success is Broken. */
export async function call(url: string, { method, path, body, type = 'application/json' }: Call): Promise<string> {
  const headers: Record<string, string> = { Authorization: `Bearer ${ADMIN_KEY}` };
  if (body !== undefined) Object.assign(headers, { 'Content-Type': type, 'Content-Length': String(Buffer.byteLength(body)) });
  const outgoing = request(`${url}${path}`, { method, agent, headers });
  outgoing.end(body);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  const text = Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>)).toString();
  const status = response.statusCode ?? 0;
  if (status < 200 || status > 299) throw new Broken(`${method} ${path} answered ${status}: ${text.slice(0, 300)}`);
  return text;
}

export const get = async <T>(url: string, path: string): Promise<T> => JSON.parse(await call(url, { method: 'GET', path })) as T;

/** Sends events as NDJSON; every one of them must be stored. Answers how long that took, in seconds. */
export async function upload(url: string, body: Buffer, count: number): Promise<number> {
  const start = performance.now();
  const text = await call(url, { method: 'POST', path: '/events?summary=true', body, type: 'application/x-ndjson' });
  const seconds = (performance.now() - start) / 1000;
  assertCount('events stored', (JSON.parse(text) as { stored: number }).stored, count);
  return seconds;
}

export async function totalEvents(url: string): Promise<number> {
  return (await get<{ total_events: number }>(url, '/health')).total_events;
}

export interface NewHandler {
  name: string;
  code: string;
  tags?: string[];
  filter?: object;
  concurrency?: number;
}

/** Registers on `event.on_ingest` and answers the id. */
export async function register(url: string, handler: NewHandler): Promise<number> {
  const text = await call(url, { method: 'POST', path: '/handlers', body: JSON.stringify({ hook: 'event.on_ingest', ...handler }) });
  return (JSON.parse(text) as { id: number }).id;
}

export interface ExecutionItem {
  event_id: string;
  state: string;
  created_at: string;
  started_at: string;
}
interface ExecutionPage {
  items: ExecutionItem[];
  next_cursor: string | null;
}

/** Resolves when no execution of the handler waits or runs. Events must have been answered before, so that theirs exist. */
export async function settled(url: string, handlerId: number): Promise<void> {
  const end = performance.now() + SETTLE_MS;
  for (const state of ['pending', 'leased', 'pending']) {
    while ((await get<ExecutionPage>(url, `/executions?handler_id=${handlerId}&state=${state}&limit=1`)).items.length > 0) {
      if (performance.now() > end) throw new Broken(`executions are still ${state} after ${SETTLE_MS} ms`);
      await sleep(POLL_MS);
    }
  }
}

/** All executions of a handler, newest first. */
export async function* executions(url: string, handlerId: number, state: string): AsyncGenerator<ExecutionItem> {
  let cursor: string | null = null;
  do {
    const more: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: ExecutionPage = await get<ExecutionPage>(url, `/executions?handler_id=${handlerId}&state=${state}&limit=1000${more}`);
    yield* page.items;
    cursor = page.next_cursor;
  } while (cursor !== null);
}

export async function countSucceeded(url: string, handlerId: number): Promise<number> {
  let count = 0;
  for await (const _ of executions(url, handlerId, 'succeeded')) count++;
  return count;
}
