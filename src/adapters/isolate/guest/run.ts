import type { Effect, ExecutionError, LogLevelName, LogLine } from '../../../core/execution.ts';
import type { ExecutionLimits } from '../limits.ts';
import { failureOf, refusal } from './errors.ts';
import type { Journal } from './journal.ts';
import { show } from './show.ts';
import { clip, exceeds, utf8Length } from './text.ts';

export interface Assignment {
  ticket: number;
  id: string;
  attempt: number;
  tags: string[];
  emitPrefix: string;
  /** JSON text of the handler's first argument. */
  input: string;
}

/** One execution under way: what it has used, logged and asked for. Never reachable by user code. */
export class Run {
  readonly assignment: Assignment;
  readonly limits: ExecutionLimits;
  readonly startedAt = preciseNow();
  readonly effects: Effect[] = [];
  ended = false;
  emits = 0;
  #stateOps = 0;
  #mails = 0;
  #alerts = 0;
  #effectBytes = 0;
  #hostCalls = 0;
  #hostCallsOpen = 0;
  readonly #logs: LogLine[] = [];
  #logBytes = 0;
  #logsDropped = 0;
  readonly #journal: Journal;

  constructor(assignment: Assignment, limits: ExecutionLimits, journal: Journal) {
    this.assignment = assignment;
    this.limits = limits;
    this.#journal = journal;
    journal.clear();
  }

  log(level: LogLevelName, args: unknown[]): void {
    if (this.ended) return;
    const room = this.limits.logBytes - this.#logBytes;
    if (room <= 0 || this.#logs.length >= this.limits.logLines) {
      this.#logsDropped++;
      return;
    }
    const text = clip(joined(args, room), room);
    this.#logBytes += utf8Length(text);
    const line = { level, message: text, at: Date.now() };
    this.#logs.push(line);
    this.#journal.add(line);
  }

  assertRunning(): void {
    if (this.ended) throw refusal('rejected', 'this execution has ended');
  }

  emit(effect: Effect & { op: 'emit' }): void {
    this.assertRunning();
    if (exceeds(effect.event, this.limits.eventBytes))
      throw refusal('rejected', `an event may have ${this.limits.eventBytes} bytes of JSON`);
    if (this.emits >= this.limits.emits) throw refusal('rejected', `an execution may emit ${this.limits.emits} events`);
    this.#keep(effect, effect.event);
    this.emits++;
  }

  state(effect: Effect & { op: 'state.set' | 'state.delete' | 'state.increment' }): void {
    this.assertRunning();
    if (this.#stateOps >= this.limits.stateOps) throw refusal('rejected', `an execution may change state ${this.limits.stateOps} times`);
    this.#keep(effect, effect.op === 'state.set' ? effect.key + effect.value : effect.key);
    this.#stateOps++;
  }

  mail(effect: Effect & { op: 'mail' }): void {
    this.assertRunning();
    if (this.#mails >= this.limits.mails) throw refusal('rejected', `an execution may send ${this.limits.mails} mails`);
    const files = (effect.attachments ?? []).map(({ filename, contentType, content }) => filename + contentType + content);
    this.#keep(effect, effect.to + effect.subject + effect.text + (effect.html ?? '') + files.join(''));
    this.#mails++;
  }

  alert(effect: Effect & { op: 'alert' }): void {
    this.assertRunning();
    if (effect.event !== null && exceeds(effect.event, this.limits.eventBytes))
      throw refusal('rejected', `an event may have ${this.limits.eventBytes} bytes of JSON`);
    if (this.#alerts >= this.limits.alerts) throw refusal('rejected', `an execution may raise ${this.limits.alerts} alerts`);
    if (effect.to !== null && effect.to.length > this.limits.alertAddresses)
      throw refusal('rejected', `an alert may have ${this.limits.alertAddresses} addresses`);
    this.#keep(effect, (effect.event ?? '') + (effect.to ?? []).join() + effect.importance);
    this.#alerts++;
  }

  #keep(effect: Effect, text: string): void {
    const bytes = utf8Length(text);
    if (this.#effectBytes + bytes > this.limits.effectBytes)
      throw refusal('rejected', `all that an execution emits, stores and sends may have ${this.limits.effectBytes} bytes`);
    this.#effectBytes += bytes;
    this.effects.push(effect);
  }

  /** Counts a call to the host; `closeCall` must follow when it is answered. */
  openCall(): void {
    this.assertRunning();
    if (this.#hostCalls >= this.limits.hostCalls) throw refusal('rejected', `an execution may make ${this.limits.hostCalls} calls`);
    if (this.#hostCallsOpen >= this.limits.hostCallsAtOnce)
      throw refusal('rejected', `an execution may have ${this.limits.hostCallsAtOnce} calls open at once; await some of them`);
    this.#hostCalls++;
    this.#hostCallsOpen++;
  }

  closeCall(): void {
    this.#hostCallsOpen--;
  }

  /** The end. `output` is JSON text. Answers the outcome with the execution's id as JSON text. */
  succeed(output: string): string {
    this.ended = true;
    return this.#report({ kind: 'succeeded', output, effects: this.effects });
  }

  fail(thrown: unknown): string {
    const error = failureOf(thrown, this.limits.errorBytes);
    this.ended = true;
    return this.failWith(error);
  }

  failWith(error: ExecutionError): string {
    this.ended = true;
    return this.#report({ kind: 'failed', error });
  }

  #report(result: object): string {
    if (this.#logsDropped > 0) {
      this.#logs.push({ level: 'warn', message: `${this.#logsDropped} more log lines were dropped`, at: Date.now() });
    }
    const times = { startedAt: this.startedAt, finishedAt: Math.max(this.startedAt, preciseNow()) };
    return JSON.stringify({ id: this.assignment.id, outcome: { ...result, ...times, logs: this.#logs } });
  }
}

function joined(args: unknown[], maxChars: number): string {
  let text = '';
  for (const arg of args) {
    if (text.length > maxChars) break;
    text += text === '' ? show(arg, maxChars) : ` ${show(arg, maxChars)}`;
  }
  return text;
}

/** Milliseconds since the epoch with fraction, which Date.now() lacks. */
function preciseNow(): number {
  return Number(Temporal.Now.instant().epochNanoseconds) / 1e6;
}
