import type { Hook } from '../core/hook.ts';

/** The hooks of this installation, and firing those that systems outside may fire. */
export interface Triggers {
  hooks(): readonly Hook[];
  /** Throws hook_not_found. */
  hook(name: string): Hook;
  /**
   * Fires an external hook: stores payload and executions in one commit and answers the executions' ids.
   * The same `id` again answers the executions of the first time and makes none. Tags choose handlers as B8 says.
   */
  trigger(name: string, firing: { id: string | null; payload: string; tags: readonly string[] }): Promise<{ id: string; executionIds: string[]; existing: boolean }>;
}
