/** Sessions: the times between the starts and stops of labs and workcells (M43). */
import type { ExactValue } from '../json.ts';
import { firstId, SESSION_STARTS, SESSION_TYPES, type TimedEvent, timedEvent } from './activity.ts';
import { SECOND_US } from './iso-time.ts';
import { byText, byTime, firstPlace, grouped } from './ordered.ts';
import { at, strip, tail } from './python-words.ts';
import type { ActivitySource } from './source.ts';
import { type Span, textRange } from './windows.ts';

export interface Session extends Span {
  type: 'lab' | 'workcell' | 'default_analysis';
  id: string;
}

interface Start {
  us: number;
  text: string;
  order: number;
  type: 'lab' | 'workcell';
  /** Null: nothing names the lab or workcell. */
  id: string | null;
}
interface Stop {
  us: number;
  text: string;
  order: number;
}

/** All starts and stops there are: a stop ends its session wherever it lies, and names come from any start. */
export class Lifecycle {
  readonly #byText: Start[];
  readonly #byTime: Start[];
  readonly #stops: Map<string, Stop[]>;
  readonly #names: Map<string, string | null>;
  /** Every id that a start or a stop goes by: none of them is a node's. */
  readonly ids: ReadonlySet<string>;

  private constructor(starts: readonly Start[], stops: Map<string, Stop[]>, names: Map<string, string | null>) {
    this.#byText = [...starts].sort(byText);
    this.#byTime = [...starts].sort(byTime);
    this.#stops = stops;
    this.#names = names;
    this.ids = new Set([...names.keys(), ...stops.keys()]);
  }

  static async read(source: ActivitySource): Promise<Lifecycle> {
    const starts: Start[] = [];
    const stops: [id: string, stop: Stop][] = [];
    const names = new WorkcellNames();
    let order = 0;
    await source.scan({ types: SESSION_TYPES, order: 'arrival' }, (stored) => {
      const event = timedEvent(stored, order++);
      if (event === null) return;
      const { us, text } = event;
      const ids = ownIds(event);
      if (isStart(event)) {
        starts.push({ us, text, order, type: event.type === 'lab_start' ? 'lab' : 'workcell', id: startId(event) });
        names.see(ids, event.data);
      } else for (const id of ids) stops.push([id, { us, text, order }]);
    });
    const stopsById = grouped(stops);
    for (const each of stopsById.values()) each.sort(byText);
    return new Lifecycle(starts, stopsById, names.found);
  }

  /** The sessions that start in the span, in the order of the texts of their starts. */
  sessions(span: Span): Session[] {
    const starts = this.#startsIn(span);
    const times = grouped(starts.flatMap(({ id, us }) => (id === null ? [] : [[id, us] as const])));
    for (const each of times.values()) each.sort((a, b) => a - b);
    return starts.map((start) => ({
      type: start.type,
      id: start.id ?? `system_${Math.trunc(start.us / SECOND_US)}`,
      startUs: start.us,
      endUs: this.#endOf(start, times, span.endUs),
    }));
  }

  /** The name that a start gives its workcell, or one made from the id. */
  workcellName(id: string): string {
    return this.#names.get(id) ?? `Workcell ${tail(id)}`;
  }

  /** By text, and only when that finds none by instant, as with all that MADSci selects (M44). */
  #startsIn(span: Span): Start[] {
    const { from, to } = textRange(span);
    const found = this.#byText.slice(
      firstPlace(this.#byText, ({ text }) => text >= from),
      firstPlace(this.#byText, ({ text }) => text > to),
    );
    if (found.length > 0 || span.startUs > span.endUs) return found;
    const list = this.#byTime;
    return list
      .slice(
        firstPlace(list, ({ us }) => us >= span.startUs),
        firstPlace(list, ({ us }) => us > span.endUs),
      )
      .sort(byText);
  }

  /** Its own stop, else the next start of the same id in the span, else the end of the span. */
  #endOf({ id, us }: Start, startTimes: ReadonlyMap<string, number[]>, endUs: number): number {
    if (id === null) return endUs;
    const stop = this.#stops.get(id)?.find((each) => each.us > us && each.us <= endUs);
    if (stop !== undefined) return stop.us;
    const times = startTimes.get(id) ?? [];
    return times[firstPlace(times, (time) => time > us)] ?? endUs;
  }
}

const isStart = ({ type }: TimedEvent): boolean => (SESSION_STARTS as readonly string[]).includes(type);

function startId({ source, data }: TimedEvent): string | null {
  return firstId(source, 'workcell_id', 'manager_id') ?? firstId(data, 'workcell_id');
}

/** Every id that the event is found by. */
function ownIds({ source, data }: TimedEvent): Set<string> {
  const ids = [at(source, 'workcell_id'), at(source, 'manager_id'), at(data, 'workcell_id')];
  return new Set(ids.filter((id) => typeof id === 'string'));
}

/** Of the first starts of a workcell, the first that names it. */
class WorkcellNames {
  readonly found = new Map<string, string | null>();
  readonly #seen = new Map<string, number>();

  see(ids: Iterable<string>, data: ExactValue): void {
    for (const id of ids) {
      const seen = (this.#seen.get(id) ?? 0) + 1;
      this.#seen.set(id, seen);
      if (seen <= STARTS_LOOKED_AT && this.found.get(id) == null) this.found.set(id, nameIn(data));
    }
  }
}
const STARTS_LOOKED_AT = 3;

function nameIn(data: ExactValue): string | null {
  for (const member of ['name', 'workcell_name', 'lab_name', 'display_name']) {
    const name = at(data, member);
    if (typeof name === 'string' && strip(name) !== '' && !name.startsWith('Workcell ')) return strip(name);
  }
  return null;
}
