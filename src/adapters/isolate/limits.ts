/** What one execution may use. Counted inside the isolate, before anything is sent. */
export interface ExecutionLimits {
  hostCalls: number;
  hostCallsAtOnce: number;
  argumentBytes: number;
  answerBytes: number;
  emits: number;
  stateOps: number;
  mails: number;
  alerts: number;
  alertAddresses: number;
  effectBytes: number;
  eventBytes: number;
  logBytes: number;
  logLines: number;
  outputBytes: number;
  errorBytes: number;
}

/** All figures of the sandbox that a deployment or a test may want to change. */
export interface SandboxLimits extends ExecutionLimits {
  /** How long the other isolates of a condemned runner may go on. */
  graceMs: number;
  /**
   * A busy runner that says nothing for this long is killed. Its main thread runs no user code, so it has no reason to be silent, but on a busy
   * machine runners stand behind everybody else and were seen to get no processor for more than a second. Deadlines are watched apart from this.
   */
  silenceMs: number;
  loadMs: number;
  compileMs: number;
  /** From fork to ready. */
  bootMs: number;
  /** A runner that another registrant waits for may serve its own for this long before it takes no more. */
  quantumMs: number;
  /** A runner without work is given back after this long. */
  idleMs: number;
  /** An idle runner above this is not reused. */
  idleRssMb: number;
  warmIsolates: number;
  /** Sum of the memory limits of one runner's warm isolates. */
  warmMemoryMb: number;
  executionsPerRunner: number;
}

const KIB = 1024;
export const DEFAULT_LIMITS: SandboxLimits = {
  hostCalls: 1_000,
  hostCallsAtOnce: 32,
  argumentBytes: 64 * KIB,
  answerBytes: KIB * KIB,
  emits: 100,
  stateOps: 1_000,
  mails: 20,
  alerts: 20,
  alertAddresses: 50,
  effectBytes: KIB * KIB,
  eventBytes: 256 * KIB,
  logBytes: 64 * KIB,
  logLines: 1_000,
  outputBytes: 256 * KIB,
  errorBytes: 8 * KIB,
  graceMs: 500,
  silenceMs: 5_000,
  loadMs: 5_000,
  compileMs: 3_000,
  bootMs: 10_000,
  quantumMs: 250,
  idleMs: 60_000,
  idleRssMb: 160,
  warmIsolates: 24,
  warmMemoryMb: 2_048,
  executionsPerRunner: 1_024,
};

/** More lanes than this for one handler are not opened: each needs a slot in memory that two threads share. */
export const MAX_LANES = 256;
