import { closeSync, fsyncSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { DATABASE_FILE } from '../../src/adapters/sqlite/open.ts';
import { ADMIN_KEY, api, type ServerProcess, startServer } from '../support/server.ts';

/** How often each fault is injected: a sample with every test run, many with `npm run test:chaos`. */
export const ROUNDS = Number(process.env['CHAOS_ROUNDS'] ?? 6);
export const SEED = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000_007);
/** RELIABILITY G3. A machine that is busy with something else is measured by its first start. */
const READY_MS = 3_000;

export interface Random {
  below(bound: number): number;
  between(from: number, to: number): number;
}
/** The same numbers for the same seed; printed, so that a run can be repeated with CHAOS_SEED. */
export function randomOf(name: string): Random {
  process.stderr.write(`chaos: ${name}, seed ${SEED}, ${ROUNDS} rounds\n`);
  let state = [...name].reduce((sum, char) => Math.imul(sum, 31) + char.charCodeAt(0), SEED);
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (bound: number): number => Math.floor(next() * bound);
  return { below, between: (from, to) => from + below(to - from + 1) };
}

/** A server that is killed and started again on the same data. */
export class Host implements AsyncDisposable {
  readonly folder: string;
  readonly #env: Record<string, string>;
  readonly #isOurs: boolean;
  #server!: ServerProcess;
  #up: Promise<void> = Promise.resolve();
  #printed = '';
  /** How long each start took until it was ready. */
  readonly starts: number[] = [];

  private constructor(folder: string | undefined, env: Record<string, string>) {
    this.folder = folder ?? mkdtempSync(join(tmpdir(), 'hookwright-chaos-'));
    this.#isOurs = folder === undefined;
    this.#env = env;
  }
  static async start({ folder, env = {} }: { folder?: string; env?: Record<string, string> } = {}): Promise<Host> {
    const host = new Host(folder, env);
    await host.restart();
    return host;
  }

  get server(): ServerProcess {
    return this.#server;
  }
  /** Resolves while there is a server; what is asked of it may fail all the same. */
  up(): Promise<void> {
    return this.#up;
  }
  /** Everything that all servers so far printed. */
  get output(): string {
    return this.#printed + this.#server.output();
  }

  restart(): Promise<void> {
    const start = async (): Promise<void> => {
      const before = performance.now();
      if (this.#server !== undefined) this.#printed += this.#server.output();
      this.#server = await startServer({ folder: this.folder, env: this.#env });
      const ready = await fetch(`${this.#server.url}/readyz`);
      if (!ready.ok) throw new Error(`not ready: ${await ready.text()}`);
      const ms = performance.now() - before;
      this.starts.push(ms);
      if (ms > READY_MS) process.stderr.write(`chaos: start ${this.starts.length} took ${ms.toFixed(0)} ms at a load of ${loadavg()[0]}\n`);
    };
    this.#up = start();
    return this.#up;
  }
  async killAndRestart(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    const code = await this.#server.kill(signal);
    await this.restart();
    return code;
  }
  /** Starts that took longer than they may. */
  get lateStarts(): number[] {
    const bar = Math.max(READY_MS, 2 * (this.starts[0] ?? 0) + 1_000);
    return this.starts.filter((ms) => ms > bar);
  }

  async register(name: string, code: string, over: Record<string, unknown> = {}): Promise<number> {
    const { status, body } = await api(this.#server, 'POST', '/handlers', { name, hook: 'event.on_ingest', code, ...over });
    if (status !== 201) throw new Error(`${name} was not registered: ${JSON.stringify(body)}`);
    return body.id as number;
  }

  /** Waits until every execution and mail has ended. */
  async drained(withinMs = 120_000): Promise<void> {
    const end = Date.now() + withinMs;
    for (;;) {
      const open = await Promise.all(
        ['/executions?state=pending', '/executions?state=leased', '/deliveries?state=pending'].map((path) =>
          api(this.#server, 'GET', `${path}&limit=1`),
        ),
      );
      const left = open.flatMap(({ body }) => body.items as unknown[]);
      if (left.length === 0) return;
      if (Date.now() > end) throw new Error(`after ${withinMs} ms there is still ${JSON.stringify(left)}`);
      await setTimeout(100);
    }
  }

  /** Stops it and looks at what is on the disk. */
  async audit(): Promise<Audit> {
    await this.#server.kill('SIGTERM');
    return new Audit(this.folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#up.catch(() => undefined);
    await this.#server.kill('SIGKILL');
    if (this.#isOurs) rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What a stopped server left in its store. */
export class Audit implements Disposable {
  readonly #db: DatabaseSync;

  constructor(folder: string) {
    this.#db = new DatabaseSync(join(folder, DATABASE_FILE));
  }
  get integrity(): string {
    return this.#db.prepare('PRAGMA integrity_check').get()?.['integrity_check'] as string;
  }
  all<Row>(sql: string, ...params: (string | number)[]): Row[] {
    return this.#db.prepare(sql).all(...params) as Row[];
  }
  count(sql: string, ...params: (string | number)[]): number {
    return Object.values(this.#db.prepare(sql).get(...params) ?? {})[0] as number;
  }
  /** Ids that were acknowledged and are not there. */
  missing(acked: readonly string[]): string[] {
    const find = this.#db.prepare('SELECT 1 FROM events WHERE id = ?');
    return acked.filter((id) => find.get(id) === undefined);
  }
  /** Events of the type that these handlers run for, and that lack the one execution in this state that each should have. */
  without(state: 'succeeded', type: string, handlers: readonly number[]): string[] {
    const number = { succeeded: 2 }[state];
    return handlers.flatMap((handler) =>
      this.all<{ id: string }>(
        `SELECT e.id FROM events e LEFT JOIN executions x ON x.id = e.id || '.${handler}' WHERE e.type = ? AND x.state IS NOT ${number}`,
        type,
      ).map(({ id }) => `${id}.${handler}`),
    );
  }
  [Symbol.dispose](): void {
    this.#db.close();
  }
}

export interface Load {
  /** Ids that were answered with success, from the file that each client writes and syncs before it sends on. */
  acked(): string[];
  /** Answers of 500 and above, as `status code`, with how many there were. */
  refusals: Map<string, number>;
  /** Ends the clients, after the answer or the failure of what they have under way. */
  stop(): Promise<void>;
}
export interface LoadOptions {
  singles?: number;
  batches?: number;
  lines?: number;
  pauseMs?: number;
  /** The events to send; `n` counts per client. */
  event?: (id: string, n: number) => object;
}

/** Clients that post without end: one event each, or NDJSON. What is not answered they send again, until it is. */
export function startLoad(host: Host, random: Random, options: LoadOptions = {}): Load {
  const {
    singles = 4,
    batches = 4,
    lines = 10,
    pauseMs = 30,
    event = (id) => ({ _id: id, event_type: 'test', event_data: { id } }),
  } = options;
  const folder = mkdtempSync(join(tmpdir(), 'hookwright-acked-'));
  const refusals = new Map<string, number>();
  const stop = new AbortController();

  async function client(name: string, count: number): Promise<void> {
    const path = join(folder, name);
    const file = openSync(path, 'a');
    for (let n = 0; !stop.signal.aborted; n += count) {
      const ids = Array.from({ length: count }, (_, k) => `${name}-${n + k}`);
      const texts = ids.map((id, k) => JSON.stringify(event(id, n + k)));
      if (!(await deliver(texts))) break;
      writeSync(file, ids.map((id) => `${id}\n`).join(''));
      fsyncSync(file);
      await setTimeout(random.below(pauseMs));
    }
    closeSync(file);
  }

  async function deliver(texts: readonly string[]): Promise<boolean> {
    while (!stop.signal.aborted) {
      await host.up().catch(() => undefined);
      const problem = await send(host.server.url, texts);
      if (problem === null) return true;
      if (problem !== '') refusals.set(problem, (refusals.get(problem) ?? 0) + 1);
      await setTimeout(10);
    }
    return false;
  }

  const clients = [
    ...Array.from({ length: singles }, (_, n) => client(`single${n}`, 1)),
    ...Array.from({ length: batches }, (_, n) => client(`batch${n}`, lines)),
  ];
  let kept: string[] | null = null;
  const acked = (): string[] =>
    kept ?? readdirSync(folder).flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').filter(Boolean));
  return {
    refusals,
    acked,
    async stop() {
      stop.abort();
      await Promise.all(clients);
      kept = acked();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Null when all of it is stored; a text for a refusal, an empty one when there was no answer. */
async function send(url: string, texts: readonly string[]): Promise<string | null> {
  const isOne = texts.length === 1;
  const type = isOne ? 'application/json' : 'application/x-ndjson';
  try {
    const response = await fetch(`${url}${isOne ? '/event' : '/events'}`, {
      method: 'POST',
      headers: { 'Content-Type': type, Accept: 'application/problem+json, application/json', Authorization: `Bearer ${ADMIN_KEY}` },
      body: `${texts.join('\n')}\n`,
    });
    const body = (await response.json()) as { code?: string; stored?: number; duplicate?: number };
    if (!response.ok) return `${response.status} ${body.code}`;
    if (!isOne && (body.stored ?? 0) + (body.duplicate ?? 0) !== texts.length) return `200 ${JSON.stringify(body)}`;
    return null;
  } catch {
    return '';
  }
}
