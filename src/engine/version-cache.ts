import type { Handler, HandlerVersion } from '../core/handler.ts';

const KEPT = 1_000;

/** Handler versions at hand without waiting: the current one always, older ones after they were loaded once. */
export class VersionCache {
  readonly #loaded = new Map<string, HandlerVersion>();
  readonly #source: (id: number, version: number) => Promise<HandlerVersion | null>;

  constructor(source: (id: number, version: number) => Promise<HandlerVersion | null>) {
    this.#source = source;
  }

  get({ id, current }: Handler, version: number): HandlerVersion | undefined {
    return current.version === version ? current : this.#loaded.get(`${id}:${version}`);
  }

  async load(id: number, version: number): Promise<HandlerVersion | null> {
    const found = await this.#source(id, version).catch(() => null);
    if (found === null) return null;
    if (this.#loaded.size >= KEPT) this.#loaded.clear();
    this.#loaded.set(`${id}:${version}`, found);
    return found;
  }
}
