import type { Handler, HandlerVersion } from '../core/handler.ts';
import type { SandboxBatch, SandboxExecution } from '../ports/sandbox.ts';
import type { Ready } from './ready.ts';

/** What of a batch is made of other things. */
export interface BatchTexts {
  /** Crockford text that the ids of emitted events begin with, from execution and replay. */
  emitPrefix(item: Ready): string;
  tagsOf(json: string): readonly string[];
}
/** Executions of one version of a handler that go out together. */
export interface Run {
  handler: Handler;
  version: HandlerVersion;
  items: readonly Ready[];
  alone: boolean;
}

/** As the sandbox takes it. */
export function batchOf({ handler, version, items, alone }: Run, texts: BatchTexts): SandboxBatch {
  return {
    registrant: version.keyId,
    handler: {
      id: handler.id,
      name: handler.name,
      version: version.version,
      hook: handler.hook,
      javascript: version.javascript,
      config: version.config,
      timeoutMs: version.timeoutMs,
      memoryMb: version.memoryMb,
      concurrency: version.concurrency,
    },
    executions: items.map((item) => executionOf(item, texts)),
    alone,
  };
}

function executionOf(item: Ready, { emitPrefix, tagsOf }: BatchTexts): SandboxExecution {
  return {
    id: item.lease.executionId,
    attempt: item.lease.attempt,
    input: item.input,
    tags: item.tags ?? tagsOf(item.input),
    emitPrefix: emitPrefix(item),
  };
}
