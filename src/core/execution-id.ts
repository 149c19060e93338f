const SAFE_SUBJECT = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * The id of the execution of one handler for one subject (event or firing). Deterministic, so that planning twice is one execution;
 * it begins with the subject's id, so that executions lie in arrival order and those of one event lie together.
 * Ids that do not fit into a path are replaced by their hash (`hash` answers hexadecimal text).
 */
export function executionId(subjectId: string, handlerId: number, hash: (text: string) => string): string {
  return `${executionIdPrefix(subjectId, hash)}${handlerId}`;
}

/** What the ids of all executions of a subject begin with; ends with a dot. */
export function executionIdPrefix(subjectId: string, hash: (text: string) => string): string {
  return `${SAFE_SUBJECT.test(subjectId) ? subjectId : `~${hash(subjectId).slice(0, 40)}`}.`;
}
