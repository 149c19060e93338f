import type { TraceContext } from '../../core/trace-context.ts';

const KEPT = 10_000;

/** Which request brought an event in. Most handlers run right after that, so the latest are enough; the store keeps none of it. */
export class RecentEvents {
  readonly #spans = new Map<string, TraceContext>();

  keep(eventId: string, span: TraceContext): void {
    this.#spans.set(eventId, span);
    if (this.#spans.size <= KEPT) return;
    const [oldest] = this.#spans.keys();
    if (oldest !== undefined) this.#spans.delete(oldest);
  }

  find(eventId: string): TraceContext | null {
    return this.#spans.get(eventId) ?? null;
  }
}
