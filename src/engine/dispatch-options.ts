import type { Outcome } from '../core/execution.ts';
import type { Handler, HandlerVersion } from '../core/handler.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Queue } from '../ports/queue.ts';
import type { Sandbox } from '../ports/sandbox.ts';
import type { BatchTexts } from './batch.ts';
import type { Share } from './leave.ts';
import type { Ready } from './ready.ts';
import type { RoomBounds } from './room.ts';

/** What the dispatcher asks of the registry. */
export interface DispatchHandlers {
  /** The handler when it may run now, else null (deregistered, disabled, suspended). */
  runnable(id: number): Handler | null;
  versionOf(id: number, version: number): Promise<HandlerVersion | null>;
}

/** How the dispatcher hands on what ended; `done` must be called when the outcome is in the store (or its lease is lost). */
export type SettleOutcomes = (
  ended: { item: Ready; version: HandlerVersion; outcome: Outcome }[],
  done: (settled: SettledExecution[]) => void,
) => void;
export interface SettledExecution {
  item: Ready;
  /** When it goes on, if the store put it back to pending. */
  retryAt: number | null;
  /** Another decision (a cancel) came first: nothing of the outcome was written. */
  leaseLost: boolean;
}

export interface DispatcherOptions extends BatchTexts {
  queue: Queue;
  sandbox: Sandbox;
  handlers: DispatchHandlers;
  settle: SettleOutcomes;
  /** Absent where the server is alone on its store. */
  share?: Share | undefined;
  clock: Clock;
  log: Log;
  /** Bounds of what is held in memory. */
  room?: Partial<RoomBounds>;
}
