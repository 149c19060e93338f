import type { FailureReason } from '../../../src/core/execution.ts';

export type Ending = 'succeeded' | FailureReason;

/** A handler that means harm. `endings` are all ways in which its execution may end. */
export interface HostileCase {
  name: string;
  /** JavaScript of the whole module. */
  source: string;
  endings: readonly Ending[];
  memoryMb?: number;
}

/** Most attacks are the body of one handler. */
export function attack(name: string, body: string, ...endings: Ending[]): HostileCase {
  return { name, source: `export default async (event, ctx) => {\n${body}\n};`, endings };
}

export function attackModule(name: string, source: string, ...endings: Ending[]): HostileCase {
  return { name, source, endings };
}
