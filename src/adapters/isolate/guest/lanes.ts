import type { LogLevelName } from '../../../core/execution.ts';
import { Bridge } from './bridge.ts';
import { contextOf, type Shared } from './context.ts';
import type { Journal } from './journal.ts';
import { jsonText, parseJson } from './json.ts';
import { type Assignment, Run } from './run.ts';
import type { Exits, GuestSettings } from './settings.ts';
import { headline } from './show.ts';
import { exceeds } from './text.ts';

/** Outcomes wait this long for company, and no longer than this many characters. */
const FLUSH_MS = 5;
const FLUSH_CHARS = 256 * 1024;
const NO_JOURNAL: Journal = { clear() {}, add() {} };

export type Handler = (event: unknown, ctx: object) => unknown;

/**
 * Runs executions in the order they came, a fixed number at a time ("lanes"). Each lane has one number in memory that the host
 * reads: the ticket of what it runs, or 0. Tickets count the executions of this isolate from 1.
 */
export class Lanes {
  readonly bridge: Bridge;
  readonly #handler: Handler;
  readonly #shared: Shared;
  readonly #settings: GuestSettings;
  readonly #exits: Exits;
  readonly #mark: (lane: number, ticket: number) => void;
  readonly #journals: Journal[];
  readonly #free: number[];
  readonly #running: Run[] = [];
  #queue: Assignment[] = [];
  #next = 0;
  #lastTicket = 0;
  #outcomes = '';
  #ended = 0;
  #flushedAt = 0;

  constructor(wiring: {
    handler: Handler;
    shared: Shared;
    settings: GuestSettings;
    exits: Exits;
    mark: (lane: number, ticket: number) => void;
    journals: Journal[];
  }) {
    this.#handler = wiring.handler;
    this.#shared = wiring.shared;
    this.#settings = wiring.settings;
    this.#exits = wiring.exits;
    this.#mark = wiring.mark;
    this.#journals = wiring.journals;
    this.#free = Array.from({ length: wiring.settings.lanes }, (_, i) => wiring.settings.lanes - 1 - i);
    this.bridge = new Bridge(wiring.exits, () => this.flush());
  }

  /** `header` is JSON: [id, attempt, tags, emitPrefix, length of its input] for each; `inputs` are their texts one after the other. */
  add(header: string, inputs: string): void {
    const rows = JSON.parse(header) as [string, number, string[], string, number][]; // written by our own host side
    let from = 0;
    for (const [id, attempt, tags, emitPrefix, length] of rows) {
      this.#queue.push({ ticket: ++this.#lastTicket, id, attempt, tags, emitPrefix, input: inputs.slice(from, from + length) });
      from += length;
    }
    this.#flushedAt = Date.now();
    for (let waiting = rows.length; waiting > 0 && this.#free.length > 0; waiting--) void this.#work(this.#free.pop() ?? 0);
  }

  /** Sends what has ended. Sends even nothing if `answer` is set: the host asks so whether this isolate still listens. */
  flush(answer = false): void {
    if (this.#ended === 0 && !answer) return;
    const [count, outcomes] = [this.#ended, this.#outcomes];
    this.#ended = 0;
    this.#outcomes = '';
    this.#flushedAt = Date.now();
    this.#exits.flush(count, `[${outcomes}]`);
  }

  /** A line on the global console: it belongs to the execution that has been running longest. */
  console(level: LogLevelName, args: unknown[]): void {
    this.#running[0]?.log(level, args);
  }

  async #work(lane: number): Promise<void> {
    for (let assignment = this.#take(); assignment !== undefined; assignment = this.#take()) {
      const run = new Run(assignment, this.#settings.limits, this.#journals[lane] ?? NO_JOURNAL);
      this.#mark(lane, assignment.ticket);
      this.#running.push(run);
      const report = await this.#execute(run);
      this.#running.splice(this.#running.indexOf(run), 1);
      this.bridge.forget(run);
      this.#keep(report);
      this.#mark(lane, 0);
    }
    this.#free.push(lane);
    this.flush();
  }

  #take(): Assignment | undefined {
    const assignment = this.#queue[this.#next++];
    if (assignment === undefined || this.#next === this.#queue.length) {
      this.#queue = [];
      this.#next = 0;
    }
    return assignment;
  }

  async #execute(run: Run): Promise<string> {
    try {
      const context = contextOf(run, this.#shared, this.bridge);
      return report(run, await this.#handler(parseJson(run.assignment.input), context));
    } catch (thrown) {
      return run.fail(thrown);
    }
  }

  #keep(report: string): void {
    this.#outcomes += this.#ended === 0 ? report : `,${report}`;
    this.#ended++;
    if (Date.now() - this.#flushedAt > FLUSH_MS || this.#outcomes.length > FLUSH_CHARS) this.flush();
  }
}

/** Ends `run` with what its handler returned. Throws what hostile values throw when they are read. */
function report(run: Run, value: unknown): string {
  try {
    const output = jsonText(value);
    return exceeds(output, run.limits.outputBytes) ? tooLarge(run) : run.succeed(output);
  } catch (thrown) {
    if (Error.isError(thrown) && headline(thrown) === 'RangeError: Invalid string length') return tooLarge(run);
    throw thrown;
  }
}

function tooLarge(run: Run): string {
  const message = `the returned value may have ${run.limits.outputBytes} bytes of JSON`;
  return run.failWith({ reason: 'output_too_large', message, line: null, column: null });
}
