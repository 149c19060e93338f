import type { ExecutionError, Outcome } from '../../core/execution.ts';
import { errorOf, type Job, type Result } from './job.ts';
import type { Culprit, Ref, Verdict } from './protocol.ts';

/**
 * The batches one runner has, and what it reported about them. Decides who answers for the end of a process; what is open then is
 * failed, suspected or given back, so nothing is lost.
 */
export class Flights {
  readonly #jobs = new Map<number, Job>();
  /** Since when the runner reports an execution as under way, by this process's clock. */
  readonly #runningSince = new Map<string, number>();
  readonly #now: () => number;
  readonly #landed: (job: Job) => void;
  #running: Ref[] = [];
  #lastBatch = 0;

  /** `landed` hears of each batch whose last execution has been dealt with. */
  constructor(now: () => number, landed: (job: Job) => void) {
    this.#now = now;
    this.#landed = landed;
  }

  get isEmpty(): boolean {
    return this.#jobs.size === 0;
  }

  get open(): number {
    let open = 0;
    for (const job of this.#jobs.values()) open += job.size;
    return open;
  }

  get hasLoner(): boolean {
    return this.#some((job) => job.batch.alone);
  }

  hasHandler(handlerId: number): boolean {
    return this.#some((job) => job.batch.handler.id === handlerId);
  }

  #some(test: (job: Job) => boolean): boolean {
    for (const job of this.#jobs.values()) if (test(job)) return true;
    return false;
  }

  add(job: Job): number {
    this.#jobs.set(++this.#lastBatch, job);
    return this.#lastBatch;
  }

  jobOf(executionId: string): Job | null {
    for (const job of this.#jobs.values()) if (job.has(executionId)) return job;
    return null;
  }

  /** The execution behind a ref, if it is still open. */
  find(ref: Ref): { job: Job; id: string } | null {
    const job = this.#jobs.get(ref.batch);
    const id = job?.idAt(ref.index) ?? null;
    return job === undefined || id === null ? null : { job, id };
  }

  /** `before` hears of results before their sink does. */
  outcomes(results: Result[], before: (job: Job, own: Result[]) => void): void {
    for (const job of this.#jobs.values()) {
      const own = results.filter(({ id }) => job.has(id));
      if (own.length === 0) continue;
      for (const { id } of own) this.#runningSince.delete(id);
      before(job, own);
      job.outcomes(own);
    }
    this.#clear();
  }

  loadFailed(key: string, error: ExecutionError): void {
    const at = this.#now();
    for (const job of this.#jobs.values()) {
      if (job.key === key) job.fail(job.openIds, error, { startedAt: at, finishedAt: at });
    }
    this.#clear();
  }

  beat(running: Ref[], now: number): void {
    this.#running = running;
    for (const ref of running) {
      const id = this.find(ref)?.id;
      if (id !== undefined && !this.#runningSince.has(id)) this.#runningSince.set(id, now);
    }
  }

  /** An execution that has been reported as under way for `lateMs` more than it may take. */
  findLate(now: number, lateMs: number): { ref: Ref; job: Job } | null {
    for (const ref of this.#running) {
      const found = this.find(ref);
      const since = found === null ? undefined : this.#runningSince.get(found.id);
      if (found !== null && since !== undefined && now - since > found.job.batch.handler.timeoutMs + lateMs) return { ref, job: found.job };
    }
    return null;
  }

  forget(executionId: string): void {
    this.jobOf(executionId)?.forget(executionId);
    this.#clear();
  }

  /** The process will be ended, and it is known why. A suspect that ran alone is no longer only suspected. */
  judge({ reason, message, culprits, suspects, lost }: Verdict): void {
    const only = suspects.length === 1 ? suspects[0] : undefined;
    const isCaught = only !== undefined && this.#jobs.get(only.batch)?.batch.alone === true;
    for (const culprit of isCaught ? [...culprits, { ...only, logs: [] }] : culprits) this.#failAt(culprit, errorOf(reason, message));
    for (const ref of isCaught ? [] : suspects) {
      const found = this.find(ref);
      found?.job.suspect([found.id]);
    }
    for (const batch of lost) this.#giveBack(this.#jobs.get(batch));
    this.#clear();
  }

  #failAt(culprit: Culprit, error: ExecutionError): void {
    const found = this.find(culprit);
    if (found === null) return;
    const finishedAt = this.#now();
    const now = performance.now();
    const ranMs = now - (this.#runningSince.get(found.id) ?? now);
    const outcome: Outcome = { kind: 'failed', error, logs: culprit.logs, startedAt: finishedAt - ranMs, finishedAt };
    found.job.outcomes([{ id: found.id, outcome }]);
  }

  /**
   * The process died of something that nobody saw. The only open execution answers for it; else those that were seen under way are
   * suspects, and if it was too quick to see any, all are.
   */
  blame(exit: string): void {
    const at = this.#now();
    const isAlone = this.open === 1;
    const seen = this.#running.map((ref) => this.find(ref)).filter((found) => found !== null);
    for (const { job, id } of isAlone ? [] : seen) job.suspect([id]);
    for (const job of this.#jobs.values()) {
      if (isAlone) job.fail(job.openIds, errorOf('crashed_runner', `ended its process (${exit})`), { startedAt: at, finishedAt: at });
      else if (seen.length === 0) job.suspect(job.openIds);
    }
    this.giveBackAll();
  }

  giveBackAll(): void {
    for (const job of this.#jobs.values()) this.#giveBack(job);
    this.#clear();
  }

  #giveBack(job: Job | undefined): void {
    job?.giveBack(job.openIds);
  }

  #clear(): void {
    for (const [batch, job] of this.#jobs) {
      if (job.size > 0) continue;
      this.#jobs.delete(batch);
      this.#landed(job);
    }
    if (this.#jobs.size === 0) this.#runningSince.clear();
  }
}
