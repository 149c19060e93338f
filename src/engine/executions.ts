import type { Page, PageRequest } from '../core/page.ts';
import type { ExecutionFilter, ExecutionRecord } from '../ports/queue.ts';

/** Reading and steering executions. */
export interface Executions {
  /** Throws execution_not_found. */
  get(id: string): Promise<ExecutionRecord>;
  list(filter: ExecutionFilter, page: PageRequest): Promise<Page<ExecutionRecord>>;
  /** Stops it wherever it is; its effects will not happen. Throws execution_not_cancelable when it has ended. */
  cancel(id: string): Promise<ExecutionRecord>;
  /** Puts an ended execution back to pending, on the handler's current version and with a fresh budget. */
  replay(id: string): Promise<ExecutionRecord>;
}
