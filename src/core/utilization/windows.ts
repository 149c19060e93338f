/** One pass over the activity for any number of spans of time, which may overlap: a session each, or an hour each. */
import { ACTIVITY_TYPES, type Activity, activityOf, timedEvent } from './activity.ts';
import { DAY_US, isoText, SECOND_US, YEAR_1_US, YEAR_10000_US } from './iso-time.ts';
import { type NodeTimes, NodeUse } from './node-use.ts';
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
export interface WindowUse {
  totalSeconds: number;
  activeSeconds: number;
  /** Those that began in it, in that order. */
  experiments: readonly string[];
  /** In the order of their first events, as the texts of times have it. */
  nodes: ReadonlyMap<string, NodeTimes>;
}

const NO_NODES: ReadonlyMap<string, NodeTimes> = new Map();

/** A span while its events come. */
class Window {
  readonly span: Span;
  readonly range: TextRange;
  /** Made when there is something to count: in most hours of a lab there is nothing. */
  #system: SystemUse | null = null;
  #nodes: Map<string, NodeUse> | null = null;
  taken = 0;
  /** Events whose instant lies in the span while their text does not. */
  missed = 0;
  use: WindowUse | null = null;

  constructor(span: Span) {
    this.span = span;
    this.range = textRange(span);
  }

  take({ node, change, us, order }: Activity): void {
    this.taken++;
    if (change !== null) {
      this.#system ??= new SystemUse();
      this.#system.take(change, us);
    }
    if (node === null) return;
    this.#nodes ??= new Map();
    const use = this.#nodes.get(node) ?? new NodeUse(order);
    this.#nodes.set(node, use);
    use.first = Math.min(use.first, order);
    if (change !== null) use.take(change, us);
  }

  /** When no more events can come: only the figures are kept. */
  close(): void {
    const { startUs, endUs } = this.span;
    const totalSeconds = (endUs - startUs) / SECOND_US;
    this.use = {
      totalSeconds,
      activeSeconds: this.#system?.activeSeconds(endUs) ?? 0,
      experiments: this.#system?.experiments ?? [],
      nodes: this.#nodes === null ? NO_NODES : nodeTimes(this.#nodes, totalSeconds, endUs),
    };
    this.#system = null;
    this.#nodes = null;
  }
}

function nodeTimes(nodes: ReadonlyMap<string, NodeUse>, totalSeconds: number, endUs: number): Map<string, NodeTimes> {
  const sorted = [...nodes].sort(([, a], [, b]) => a.first - b.first);
  return new Map(sorted.map(([id, node]) => [id, node.times(totalSeconds, endUs)]));
}

type Rule = 'text' | 'instant';

/**
 * MADSci chooses the events of a span by the texts of their times; only where no event at all has such a text, by their instants (M44).
 * Answers a use for each span, in their order.
 */
export async function usesOf(spans: readonly Span[], source: ActivitySource): Promise<WindowUse[]> {
  const windows = await pass(spans, 'text', source);
  const again: number[] = [];
  for (const [i, { taken, missed, range }] of windows.entries())
    if (taken === 0 && missed > 0 && !(await source.hasEvent(range))) again.push(i);
  const others = await pass(
    again.map((i) => spans[i] as Span), // `again` counts the spans
    'instant',
    source,
  );
  for (const [place, i] of again.entries()) windows[i] = others[place] as Window;
  return windows.map(({ use }) => use as WindowUse); // pass() has closed them
}

async function pass(spans: readonly Span[], rule: Rule, source: ActivitySource): Promise<Window[]> {
  const windows = spans.map((span) => new Window(span));
  if (windows.length === 0) return windows;
  const board = new Board(windows, rule);
  const ordered = new TimeOrder((activity) => board.post(activity));
  const startUs = spans.reduce((least, span) => Math.min(least, span.startUs), Number.POSITIVE_INFINITY);
  const endUs = spans.reduce((most, span) => Math.max(most, span.endUs), Number.NEGATIVE_INFINITY);
  let order = 0;
  await source.scan({ types: ACTIVITY_TYPES, range: wideRange({ startUs, endUs }), order: 'time' }, (stored) => {
    const event = timedEvent(stored, order++);
    if (event !== null) ordered.push(activityOf(event));
  });
  ordered.end();
  for (const window of windows) if (window.use === null) window.close();
  return windows;
}

/** How far the text of a time may lie from its instant. */
const REACH_US = DAY_US + SECOND_US;

/** Hands each event to the windows it belongs to; only those near its time are looked at. */
class Board {
  readonly #coming: Window[];
  readonly #rule: Rule;
  #open: Window[] = [];
  #next = 0;

  constructor(windows: readonly Window[], rule: Rule) {
    this.#coming = [...windows].sort((a, b) => a.span.startUs - b.span.startUs);
    this.#rule = rule;
  }

  post(activity: Activity): void {
    const { us } = activity;
    for (; (this.#coming[this.#next]?.span.startUs ?? Number.POSITIVE_INFINITY) - REACH_US <= us; this.#next++)
      this.#open.push(this.#coming[this.#next] as Window); // the condition found it
    let kept = 0;
    for (const window of this.#open) {
      if (window.span.endUs + REACH_US < us) {
        window.close();
        continue;
      }
      this.#open[kept++] = window;
      this.#offer(window, activity);
    }
    this.#open.length = kept;
  }

  #offer(window: Window, activity: Activity): void {
    const { us, text, offsetSeconds } = activity;
    const { startUs, endUs } = window.span;
    if (offsetSeconds === 0 && (us < startUs - SECOND_US || us > endUs + SECOND_US)) return;
    const isInside = us >= startUs && us <= endUs;
    const belongs = this.#rule === 'instant' ? isInside : text >= window.range.from && text <= window.range.to;
    if (belongs) window.take(activity);
    else if (isInside) window.missed++;
  }
}
