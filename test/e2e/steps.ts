/** What the tests of the whole process do over and over, by the public API alone. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { api, eventually } from '../support/server.ts';

type Server = { url: string };

export interface Execution {
  id: string;
  handler_id: number;
  handler_version: number;
  event_id: string;
  state: 'pending' | 'leased' | 'succeeded' | 'dead' | 'canceled';
  attempt: number;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  duration_ms: number | null;
  error: { reason: string; message: string; line: number | null; column: number | null } | null;
}
export interface ExecutionDetail extends Execution {
  input: { _id: string; event_data: Record<string, unknown> };
  output: unknown;
  logs: { level: string; message: string; at: string }[];
  attempts: { attempt: number; outcome: string }[];
}
export interface Delivery {
  id: string;
  execution_id: string;
  kind: string;
  to: string;
  state: string;
  message_id: string;
}

/** A folder for data that outlives a server. */
export function dataFolder(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), 'hookwright-e2e-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Registers a handler on event.on_ingest, unless told otherwise, and answers its id. */
export async function register(server: Server, handler: { name: string; code: string } & Record<string, unknown>): Promise<number> {
  const { status, body } = await api(server, 'POST', '/handlers', { hook: 'event.on_ingest', ...handler });
  if (status !== 200 && status !== 201) throw new Error(`not registered: ${JSON.stringify(body)}`);
  return body.id;
}

/** Posts an event of type test and answers its id. */
export async function post(server: Server, data: object, rest: object = {}): Promise<string> {
  const { status, body } = await api(server, 'POST', '/event', { event_type: 'test', event_data: data, ...rest });
  expect({ status, body }).toMatchObject({ status: 200 });
  return body._id;
}

export async function items<Item = Execution>(server: Server, path: string): Promise<Item[]> {
  const { status, body } = await api(server, 'GET', path);
  expect({ path, status }).toEqual({ path, status: 200 });
  return body.items;
}

/** Items of all pages. `selector`: of those events only, where the path is /events/query. */
export async function allItems<Item = Execution>(server: Server, path: string, selector?: object): Promise<Item[]> {
  const found: Item[] = [];
  const first = `${path}${path.includes('?') ? '&' : '?'}limit=1000`;
  for (let page = first; ; ) {
    const { status, body } = await api(server, selector === undefined ? 'GET' : 'POST', page, selector);
    expect({ path, status }).toEqual({ path, status: 200 });
    found.push(...body.items);
    if (body.next_cursor === null) return found;
    page = `${first}&cursor=${encodeURIComponent(body.next_cursor)}`;
  }
}

export async function detail(server: Server, id: string): Promise<ExecutionDetail> {
  return (await api(server, 'GET', `/executions/${encodeURIComponent(id)}`)).body;
}

/** The execution of a handler for an event, as soon as it is in one of these states. */
export function executionOf(server: Server, handlerId: number, eventId: string, states: Execution['state'][]): Promise<ExecutionDetail> {
  return eventually(async () => {
    const [found] = await items(server, `/executions?handler_id=${handlerId}&event_id=${eventId}`);
    return found !== undefined && states.includes(found.state) ? detail(server, found.id) : null;
  });
}

/** The execution of a handler for an event when it has ended. */
export function ended(server: Server, handlerId: number, eventId: string): Promise<ExecutionDetail> {
  return executionOf(server, handlerId, eventId, ['succeeded', 'dead', 'canceled']);
}

/** The mail of an execution when it is sent. */
export function sentMail(server: Server, executionId: string): Promise<Delivery> {
  return eventually(async () => {
    const [mail] = await items<Delivery>(server, `/deliveries?state=sent&execution_id=${encodeURIComponent(executionId)}`);
    return mail ?? null;
  });
}

/** A request with any key, or with none, whose bodies are texts. */
export async function request(
  server: Server,
  method: string,
  path: string,
  options: { key?: string; body?: string } = {},
): Promise<{ status: number; text: string }> {
  const headers: Record<string, string> = {};
  if (options.key !== undefined) headers['Authorization'] = `Bearer ${options.key}`;
  if (options.body !== undefined) headers['Content-Type'] = 'application/json';
  const response = await fetch(`${server.url}${path}`, { method, headers, ...(options.body !== undefined && { body: options.body }) });
  return { status: response.status, text: await response.text() };
}

/** Ids of the processes that a process has started, and those that they have; needs Linux. */
export function descendants(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const parent = parentOf(Number(name));
    if (parent !== null) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const below = (of: number): number[] => (children.get(of) ?? []).flatMap((child) => [child, ...below(child)]);
  return below(pid);
}

/** Null when there is no such process, or when it is dead and only waits to be noticed. */
function parentOf(pid: number): number | null {
  try {
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return state === 'Z' || state === 'X' ? null : Number(parent);
  } catch {
    return null; // it ended meanwhile
  }
}

export function isAlive(pid: number): boolean {
  return parentOf(pid) !== null;
}
