import type { PlannedRun } from '../core/schedule.ts';

/**
 * When each scheduled handler runs next. What fires twice because a move was lost, or because two servers believe to lead, is one firing
 * all the same: its id follows from handler and instant. So a move need not be fenced, nor in one commit with its firing.
 * Goes with its handler (`HandlerStore.remove`).
 */
export interface ScheduleStore {
  /** By handler id. */
  all(): Promise<PlannedRun[]>;
  /** Each in the place of what is known of its handler; all in one commit where the store has such. */
  put(runs: readonly PlannedRun[]): Promise<void>;
}
