import { EngineError } from '../core/errors.ts';
import type { Page, PageRequest } from '../core/page.ts';
import type { ExecutionFilter, ExecutionRecord, Queue } from '../ports/queue.ts';
import type { Dispatcher } from './dispatch.ts';
import type { HandlerRegistry } from './handlers.ts';

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

export function executions(options: {
  queue: Queue;
  dispatcher: Pick<Dispatcher, 'abort' | 'wake'>;
  handlers: Pick<HandlerRegistry, 'get'>;
  now(): number;
}): Executions {
  const { queue, dispatcher, handlers, now } = options;
  const get = async (id: string): Promise<ExecutionRecord> => {
    const record = await queue.get(id);
    if (record === null) throw absent(id);
    return record;
  };
  return {
    get,
    list: (filter, page) => queue.list(filter, page),
    async cancel(id) {
      const result = await queue.cancel(id, now());
      if (result === 'absent') throw absent(id);
      if (result === 'ended') throw new EngineError('execution_not_cancelable', `Execution ${id} has already ended.`);
      dispatcher.abort(id);
      return get(id);
    },
    async replay(id) {
      const { handlerId } = await get(id);
      const { current } = handlers.get(handlerId);
      const at = now();
      const result = await queue.replay(id, at, current.version);
      if (result === 'absent') throw absent(id);
      if (result === 'not_ended') throw new EngineError('execution_not_replayable', `Execution ${id} has not ended yet.`);
      dispatcher.wake(handlerId, at);
      return get(id);
    },
  };
}

function absent(id: string): EngineError {
  return new EngineError('execution_not_found', `No execution ${id.slice(0, 200)}.`);
}
