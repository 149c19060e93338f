import { type Cutoffs, cutoffsAt, judgeClock, longestGapMs, type RetentionRules } from '../core/retention.ts';
import type { Clock } from '../ports/clock.ts';
import type { KeyStore } from '../ports/key-store.ts';
import type { Leadership } from '../ports/leadership.ts';
import type { Log } from '../ports/log.ts';
import type { RetentionStore } from '../ports/retention-store.ts';
import { type Work, workThrough } from './retention-work.ts';

export interface RetentionOptions {
  store: RetentionStore;
  /** Keeps what the last run did, and the clock's mark. */
  settings: Pick<KeyStore, 'setting' | 'exchangeSetting'>;
  /** Absent where this server is alone on the store. */
  leadership: Leadership | undefined;
  rules: RetentionRules;
  intervalHours: number;
  /** Events archived in one go, between pauses. */
  batchSize: number;
  /** Of archiving, in one run; 0 for no bound. */
  maxBatches: number;
  /** Whether a run that fails is the last one until the next start. */
  stopsOnError: boolean;
  clock: Clock;
  log: Log;
}

/** What a run did. */
export interface RetentionRun extends Work {
  startedAt: number;
  endedAt: number;
  /** Whether all that was old enough is done; false when the bound of batches was reached, or the server stopped. */
  isComplete: boolean;
  /** Why it ended early, else null. */
  error: string | null;
}
export interface RetentionStatus {
  rules: RetentionRules;
  isRunning: boolean;
  /** Of all servers. */
  lastRun: RetentionRun | null;
  /** The clock is ahead of what the store has seen, by so much: nothing is archived or deleted until a person says that it is right. */
  heldByMs: number | null;
  /** A run failed and stopsOnError: there is none until the next start. */
  hasGivenUp: boolean;
}
export interface RetentionPreview {
  cutoffs: Cutoffs;
  archive: number;
  delete: number;
}

/** Archives and deletes by age, at the start and at intervals, once for all servers on the store. */
export interface Retention {
  start(): void;
  /** Ends a run between two slices. */
  stop(): Promise<void>;
  status(): Promise<RetentionStatus>;
  /** What events would go now, if retention of events is enabled or were. */
  preview(): Promise<RetentionPreview>;
  /**
   * Runs at once, or joins the run that is under way. `isClockRight`: a person says so. `held`: the clock is ahead; `elsewhere`: another server runs it.
   * Throws what the store throws.
   */
  run(o?: { isClockRight?: boolean }): Promise<RetentionRun | 'held' | 'elsewhere'>;
  /** As `run`, but waits a second at most; what then goes on is seen by `status`, and logged when it fails. */
  begin(o?: { isClockRight?: boolean }): Promise<'ended' | 'held' | 'running'>;
}

const HOUR_MS = 3_600_000;
const LEAD = 'retention';
const LEAD_MS = 60_000;
const BEGIN_MS = 1_000;
/** Of its interval, what must have passed since another server's run. */
const SHARE = 0.9;

/** What is kept under this name among the settings of the installation. */
const RECORD = 'retention';
interface Memory {
  /** The latest instant that was believed. */
  mark: number | null;
  run: RetentionRun | null;
}
const NOTHING: Memory = { mark: null, run: null };

export function retention(options: RetentionOptions): Retention {
  return new Retainer(options);
}

class Retainer implements Retention {
  readonly #o: RetentionOptions;
  #running: Promise<RetentionRun | 'held' | 'elsewhere'> | null = null;
  #heldByMs: number | null = null;
  #ticking: Promise<void> = Promise.resolve();
  #isStopped = false;
  #hasGivenUp = false;
  #cancelTimer = (): void => {};
  #wake = (): void => {};
  /** Elapsed time since this server looked whether a run is due, and how often the clock was behind in a row. */
  #sinceRunMs = Number.POSITIVE_INFINITY;
  #behindMs = 0;

  constructor(options: RetentionOptions) {
    this.#o = options;
  }

  start(): void {
    this.#ticking = this.#tick();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelTimer();
    this.#wake();
    await this.#running?.catch(() => {});
    await this.#ticking;
  }

  async status(): Promise<RetentionStatus> {
    const { run } = await this.#memory();
    return {
      rules: this.#o.rules,
      isRunning: this.#running !== null,
      lastRun: run,
      heldByMs: this.#heldByMs,
      hasGivenUp: this.#hasGivenUp,
    };
  }

  async preview(): Promise<RetentionPreview> {
    const { store, rules, clock } = this.#o;
    const cutoffs = cutoffsAt(clock.now(), { ...rules, isEnabled: true });
    const counts = await store.countOld({ beforeText: cutoffs.archiveBefore ?? '', archivedBefore: cutoffs.deleteBefore ?? 0 });
    return { cutoffs, archive: counts.archive, delete: counts.purge };
  }

  run({ isClockRight = false } = {}): Promise<RetentionRun | 'held' | 'elsewhere'> {
    this.#running ??= this.#led(isClockRight).finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async begin(o: { isClockRight?: boolean } = {}): Promise<'ended' | 'held' | 'running'> {
    const late = Promise.withResolvers<'late'>();
    const cancel = this.#o.clock.after(BEGIN_MS, () => late.resolve('late'));
    const run = this.run(o);
    run.catch((error: unknown) => this.#o.log('warn', 'retention failed', { error }));
    const result = await Promise.race([run, late.promise]).finally(cancel);
    if (result === 'held') return 'held';
    return result === 'late' || result === 'elsewhere' ? 'running' : 'ended';
  }

  /** Looks every hour, so that the mark of the clock is never older; runs when the interval has passed. */
  async #tick(): Promise<void> {
    const { log, intervalHours, stopsOnError } = this.#o;
    try {
      if (this.#sinceRunMs < intervalHours * HOUR_MS) await this.#look(false);
      else {
        const isFirst = this.#sinceRunMs === Number.POSITIVE_INFINITY;
        this.#sinceRunMs = 0;
        if (isFirst || (await this.#isDue())) await this.run();
      }
    } catch (error) {
      log(stopsOnError ? 'error' : 'warn', 'retention failed', { error });
      this.#hasGivenUp = stopsOnError;
    }
    if (this.#isStopped || this.#hasGivenUp) return;
    this.#cancelTimer = this.#o.clock.after(HOUR_MS, () => {
      this.#sinceRunMs += HOUR_MS;
      this.#ticking = this.#tick();
    });
  }

  /** Another server may have run it. A run that seems to be of the future says nothing. */
  async #isDue(): Promise<boolean> {
    const { leadership, clock, intervalHours } = this.#o;
    if (leadership === undefined) return true;
    const { run } = await this.#memory();
    return run === null || run.error !== null || Math.abs(clock.now() - run.endedAt) > SHARE * intervalHours * HOUR_MS;
  }

  async #led(isClockRight: boolean): Promise<RetentionRun | 'held' | 'elsewhere'> {
    const { leadership, clock, log } = this.#o;
    if (!(await this.#lead())) return 'elsewhere';
    try {
      if (!(await this.#look(isClockRight))) return 'held';
      const run = await this.#runNow(clock.now());
      if (run.archived + run.deleted + run.executions + run.mails > 0) log('info', 'retention', { ...run });
      return run;
    } finally {
      await leadership?.lead(LEAD, clock.now(), 0).catch(() => {}); // then it ends by itself
    }
  }

  async #lead(): Promise<boolean> {
    const { leadership, clock } = this.#o;
    return leadership === undefined || (await leadership.lead(LEAD, clock.now(), LEAD_MS));
  }

  /** Whether the clock is believed; what was believed is kept. */
  async #look(isConfirmed: boolean): Promise<boolean> {
    const { clock, rules, log } = this.#o;
    const memory = await this.#memory();
    const now = clock.now();
    const gap = longestGapMs(rules);
    this.#behindMs = memory.mark !== null && memory.mark - now > gap ? this.#behindMs + HOUR_MS : 0;
    const isSettled = this.#behindMs > 24 * HOUR_MS;
    const verdict = judgeClock({ now, mark: memory.mark, longestGapMs: gap, isConfirmed, isSettled });
    if (verdict.kind === 'ahead') {
      const days = Math.round(verdict.byMs / (24 * HOUR_MS));
      log('warn', 'retention waits: the clock is far ahead of what the store has seen', { days_ahead: days, remedy: CONFIRM });
      this.#heldByMs = verdict.byMs;
      return false;
    }
    this.#heldByMs = null;
    if (verdict.mark !== memory.mark) await this.#remember({ mark: verdict.mark });
    return true;
  }

  async #memory(): Promise<Memory> {
    const text = await this.#o.settings.setting(RECORD);
    return text === null ? NOTHING : (JSON.parse(text) as Memory); // only we write it
  }

  /** Another server may be noting its part at the same moment. */
  async #remember(change: Partial<Memory>): Promise<void> {
    const { settings } = this.#o;
    for (let tries = 0; tries < 5; tries++) {
      const before = await settings.setting(RECORD);
      const after = { ...(before === null ? NOTHING : (JSON.parse(before) as Memory)), ...change };
      if (await settings.exchangeSetting(RECORD, before, JSON.stringify(after))) return;
    }
  }

  /** All cutoffs are of one instant: a clock that jumps meanwhile changes nothing. */
  async #runNow(now: number): Promise<RetentionRun> {
    const { store, rules, clock, batchSize, maxBatches } = this.#o;
    const cutoffs = cutoffsAt(now, rules);
    const run: RetentionRun = {
      startedAt: now,
      endedAt: now,
      archived: 0,
      deleted: 0,
      executions: 0,
      mails: 0,
      isComplete: false,
      error: null,
    };
    try {
      const goesOn = (ms: number): Promise<boolean> => this.#goesOn(ms);
      run.isComplete = await workThrough({ store, cutoffs, at: now, batchSize, maxBatches, goesOn }, run);
    } catch (error) {
      run.error = error instanceof Error ? error.message : String(error);
      throw error;
    } finally {
      run.endedAt = clock.now();
      await this.#remember({ run }).catch((error: unknown) => this.#o.log('warn', 'what retention did could not be noted', { error }));
    }
    return run;
  }

  /** Waits a little; false when the server stops or another one leads. */
  async #goesOn(ms: number): Promise<boolean> {
    if (!this.#isStopped)
      await new Promise<void>((resolve) => {
        const cancel = this.#o.clock.after(ms, resolve);
        this.#wake = () => {
          cancel();
          resolve();
        };
      });
    return !this.#isStopped && (await this.#lead());
  }
}

const CONFIRM = 'If the clock is right (the server was stopped for so long), run: npx hookwright retention run --clock-is-right';
