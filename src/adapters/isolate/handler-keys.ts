import type { SandboxHandler } from '../../ports/sandbox.ts';

const COMPARED = ['name', 'hook', 'javascript', 'config', 'timeoutMs', 'memoryMb', 'concurrency'] as const;

/** Names for warm isolates: the same name exactly as long as nothing about a handler version changes. */
export class HandlerKeys {
  readonly #known = new Map<number, Map<number, { handler: SandboxHandler; key: string }>>();
  #made = 0;

  keyOf(handler: SandboxHandler): string {
    const versions = this.#known.get(handler.id) ?? new Map<number, { handler: SandboxHandler; key: string }>();
    this.#known.set(handler.id, versions);
    const known = versions.get(handler.version);
    if (known !== undefined && COMPARED.every((field) => known.handler[field] === handler[field])) return known.key;
    const key = `${handler.id}.${handler.version}.${++this.#made}`;
    versions.set(handler.version, { handler: { ...handler }, key });
    return key;
  }

  forget(handlerId: number): void {
    this.#known.delete(handlerId);
  }
}
