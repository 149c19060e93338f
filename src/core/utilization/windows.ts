/** One pass over the activity for any number of spans of time, which may overlap: a session each, or an hour each. */
import { ACTIVITY_TYPES, type Activity, activityOf, timedEvent } from './activity.ts';
import { DAY_US, isoText, SECOND_US, YEAR_1_US, YEAR_10000_US } from './iso-time.ts';
import { NodeUse } from './node-use.ts';
import type { ActivitySource } from './source.ts';
import { SystemUse } from './system-use.ts';
import { TimeOrder } from './time-order.ts';

export interface Span {
  startUs: number;
  endUs: number;
}
export interface TextRange {
  from: string;
  to: string;
}
/** The range of texts that MADSci compares stored times with: naive, so an event exactly at the end belongs to it only when it is naive too. */
export const textRange = ({ startUs, endUs }: Span): TextRange => ({ from: isoText(startUs), to: isoText(endUs) });

/** Wide enough for every event whose text or whose instant lies in the span. */
export function wideRange({ startUs, endUs }: Span): TextRange {
  const edge = (us: number): string => isoText(Math.min(Math.max(us, YEAR_1_US), YEAR_10000_US - SECOND_US));
  return { from: edge(startUs - DAY_US - SECOND_US), to: `${edge(endUs + DAY_US + SECOND_US)}~` };
}

/** What happened in a span. */
export class WindowUse {
  readonly span: Span;
  readonly range: TextRange;
  readonly system = new SystemUse();
  readonly nodes = new Map<string, NodeUse>();
  taken = 0;
  /** Events whose instant lies in the span while their text does not. */
  missed = 0;

  constructor(span: Span) {
    this.span = span;
    this.range = textRange(span);
  }

  take({ node, change, us, order }: Activity): void {
    this.taken++;
    if (change !== null) this.system.take(change, us);
    if (node === null) return;
    const use = this.nodes.get(node) ?? new NodeUse(order);
    this.nodes.set(node, use);
    use.first = Math.min(use.first, order);
    if (change !== null) use.take(change, us);
  }

  get totalSeconds(): number {
    return (this.span.endUs - this.span.startUs) / SECOND_US;
  }
}

type Rule = 'text' | 'instant';

/**
 * MADSci chooses the events of a span by the texts of their times; only where no event at all has such a text, by their instants (M44).
 * Answers a use for each span, in their order.
 */
export async function usesOf(spans: readonly Span[], source: ActivitySource): Promise<WindowUse[]> {
  const uses = spans.map((span) => new WindowUse(span));
  await pass(uses, 'text', source);
  const again: number[] = [];
  for (const [i, { taken, missed, range }] of uses.entries())
    if (taken === 0 && missed > 0 && !(await source.hasEvent(range))) again.push(i);
  if (again.length === 0) return uses;
  const others = again.map((i) => new WindowUse(spans[i] as Span)); // `again` counts the spans
  await pass(others, 'instant', source);
  for (const [place, i] of again.entries()) uses[i] = others[place] as WindowUse;
  return uses;
}

async function pass(uses: readonly WindowUse[], rule: Rule, source: ActivitySource): Promise<void> {
  if (uses.length === 0) return;
  const board = new Board(uses, rule);
  const ordered = new TimeOrder((activity) => board.post(activity));
  const startUs = uses.reduce((least, { span }) => Math.min(least, span.startUs), Number.POSITIVE_INFINITY);
  const endUs = uses.reduce((most, { span }) => Math.max(most, span.endUs), Number.NEGATIVE_INFINITY);
  let order = 0;
  await source.scan({ types: ACTIVITY_TYPES, range: wideRange({ startUs, endUs }), order: 'time' }, (stored) => {
    const event = timedEvent(stored, order++);
    if (event !== null) ordered.push(activityOf(event));
  });
  ordered.end();
}

/** How far the text of a time may lie from its instant. */
const REACH_US = DAY_US + SECOND_US;

/** Hands each event to the spans it belongs to; only those near its time are looked at. */
class Board {
  readonly #coming: WindowUse[];
  readonly #rule: Rule;
  #open: WindowUse[] = [];
  #next = 0;

  constructor(uses: readonly WindowUse[], rule: Rule) {
    this.#coming = [...uses].sort((a, b) => a.span.startUs - b.span.startUs);
    this.#rule = rule;
  }

  post(activity: Activity): void {
    const { us } = activity;
    for (; (this.#coming[this.#next]?.span.startUs ?? Number.POSITIVE_INFINITY) - REACH_US <= us; this.#next++)
      this.#open.push(this.#coming[this.#next] as WindowUse); // the condition found it
    let kept = 0;
    for (const use of this.#open) {
      if (use.span.endUs + REACH_US < us) continue;
      this.#open[kept++] = use;
      this.#offer(use, activity);
    }
    this.#open.length = kept;
  }

  #offer(use: WindowUse, activity: Activity): void {
    const { us, text, offsetSeconds } = activity;
    const { startUs, endUs } = use.span;
    if (offsetSeconds === 0 && (us < startUs - SECOND_US || us > endUs + SECOND_US)) return;
    const isInside = us >= startUs && us <= endUs;
    const belongs = this.#rule === 'instant' ? isInside : text >= use.range.from && text <= use.range.to;
    if (belongs) use.take(activity);
    else if (isInside) use.missed++;
  }
}
