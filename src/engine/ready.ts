import type { Leased, LeaseRef, NewExecution } from '../ports/queue.ts';

/** A leased execution in this server's memory. */
export interface Ready extends Leased {
  /** Its runner died while it was in flight: it runs with nothing beside it, so that only the one that kills again pays. */
  suspect: boolean;
}

/** What the executions of one commit have in common. */
export interface Subject {
  id: string;
  /** JSON text. */
  input: string;
  tags: readonly string[];
  root: string;
  depth: number;
}

/** An execution that was leased in the commit that made it. */
export function readyOf(subject: Subject, execution: NewExecution, ref: LeaseRef): Ready {
  return {
    lease: { executionId: execution.id, attempt: 1, ref },
    handlerId: execution.handlerId,
    handlerVersion: execution.handlerVersion,
    hook: execution.hook,
    subjectId: subject.id,
    input: subject.input,
    tags: subject.tags,
    orderingKey: execution.orderingKey,
    createdAt: execution.createdAt,
    runAt: execution.runAt,
    replays: 0,
    failures: 0,
    root: subject.root,
    depth: subject.depth,
    suspect: false,
  };
}
