import type { HostOp } from '../../../ports/sandbox.ts';
import { markRefusal, refusal } from './errors.ts';
import { parseJson } from './json.ts';
import type { Run } from './run.ts';
import type { Exits } from './settings.ts';
import { exceeds } from './text.ts';

export type Answer = 'ok' | 'permission' | 'invalid' | 'internal' | 'too_large';

interface Pending {
  run: Run;
  /** Made at the call, so that a refusal points there. */
  site: Error;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Calls to the host that wait for their answer. What belongs to an execution that has ended is dropped, so nothing of it goes on. */
export class Bridge {
  readonly #pending = new Map<number, Pending>();
  readonly #exits: Exits;
  readonly #beforeCall: () => void;
  #lastId = 0;

  /** `beforeCall` runs first, so that the host knows all outcomes that came before the call. */
  constructor(exits: Exits, beforeCall: () => void) {
    this.#exits = exits;
    this.#beforeCall = beforeCall;
  }

  call(run: Run, op: HostOp, args: object): Promise<unknown> {
    const text = JSON.stringify(args);
    if (exceeds(text, run.limits.argumentBytes))
      throw refusal('rejected', `a call may have ${run.limits.argumentBytes} bytes of arguments`);
    return this.#open(run, (id) => this.#exits.call(run.assignment.ticket, id, op, text));
  }

  sleep(run: Run, ms: number): Promise<void> {
    return this.#open(run, (id) => this.#exits.sleep(id, ms)) as Promise<void>;
  }

  #open(run: Run, send: (id: number) => void): Promise<unknown> {
    run.openCall();
    const site = new Error();
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#pending.set(id, { run, site, resolve, reject });
      this.#beforeCall();
      send(id);
    });
  }

  /** The host's answer: JSON text if `ok`, else the message of the refusal. */
  answer(id: number, kind: Answer, text: string): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (pending === undefined || pending.run.ended) return;
    pending.run.closeCall();
    const reason = kind === 'permission' ? 'permission' : kind === 'internal' ? 'thrown' : 'rejected';
    if (kind === 'ok') pending.resolve(text === '' ? undefined : parseJson(text));
    else pending.reject(markRefusal(pending.site, reason, text));
  }

  /** An ended execution's calls will never be answered. */
  forget(run: Run): void {
    for (const [id, pending] of this.#pending) if (pending.run === run) this.#pending.delete(id);
  }
}
