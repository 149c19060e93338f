/** The experiments of a report of periods: how many began in each bucket, and the first fifty by name (M46, M66). */
import type { ExactObject, ExactValue } from '../json.ts';
import { EXPERIMENT_BOUNDS, EXPERIMENT_START, experimentId, timedEvent } from './activity.ts';
import { isoText, SECOND_US } from './iso-time.ts';
import { byTime, firstPlace } from './ordered.ts';
import { fixedText, float } from './python-number.ts';
import { at } from './python-words.ts';
import type { ActivitySource } from './source.ts';
import { type Span, textRange, wideRange } from './windows.ts';

interface Start {
  id: string;
  us: number;
  text: string;
  order: number;
}
interface Bounds {
  start?: { us: number; name: ExactValue };
  end?: { us: number; status: ExactValue };
}
const LISTED = 50;
const UNKNOWN = 'Unknown Experiment';

export class Experiments {
  readonly #starts: Start[] = [];
  readonly #bounds = new Map<string, Bounds>();

  /** `around`: the span with whole buckets, of which starts are counted; the details are of the span alone. */
  static async read(span: Span, around: Span, source: ActivitySource): Promise<Experiments> {
    const experiments = new Experiments();
    const range = textRange(span);
    let order = 0;
    await source.scan({ types: EXPERIMENT_BOUNDS, range: wideRange(around), order: 'time' }, (stored) => {
      const event = timedEvent(stored, order++);
      const id = event === null ? null : experimentId(event);
      if (event === null || id === null) return;
      const { type, us, text, data } = event;
      const isStart = type === EXPERIMENT_START;
      if (isStart) experiments.#starts.push({ id, us, text, order });
      if (text < range.from || text > range.to) return;
      const bounds = experiments.#bounds.get(id) ?? {};
      experiments.#bounds.set(id, bounds);
      if (isStart) bounds.start = { us, name: designName(data) };
      else bounds.end = { us, status: at(data, 'status') === undefined ? 'completed' : (at(data, 'status') as ExactValue) };
    });
    experiments.#starts.sort(byTime);
    return experiments;
  }

  /** Starts whose text and whose instant lie in the bucket; one exactly on a bound may be in two (M66). In the order of the texts. */
  startedIn(bucket: Span): Start[] {
    const { from, to } = textRange(bucket);
    const first = firstPlace(this.#starts, ({ us }) => us >= bucket.startUs);
    const end = firstPlace(this.#starts, ({ us }) => us > bucket.endUs);
    return this.#starts.slice(first, end).filter(({ text }) => text >= from && text <= to);
  }

  /** Of these ids, or of all when there are none: how many there are, and what became of the first. A failure is not looked for. */
  details(ids: ReadonlySet<string>): ExactObject {
    const found = [...this.#bounds].flatMap(([id, { start, end }]) =>
      start === undefined || (ids.size > 0 && !ids.has(id)) ? [] : [{ id, start, end }],
    );
    found.sort((a, b) => a.start.us - b.start.us);
    return { total_experiments: found.length, experiments: found.slice(0, LISTED).map(experimentDetail) };
  }
}

/** Only the name of the design counts here. */
function designName(data: ExactObject): ExactValue {
  return at(at(at(data, 'experiment'), 'experiment_design'), 'experiment_name') ?? UNKNOWN;
}

function experimentDetail({ id, start, end }: Required<Pick<Bounds, 'start'>> & { id: string; end: Bounds['end'] }): ExactObject {
  const seconds = end === undefined ? null : (end.us - start.us) / SECOND_US;
  return {
    experiment_id: id,
    experiment_name: start.name,
    start_time: isoText(start.us),
    end_time: end === undefined ? null : isoText(end.us),
    status: end === undefined ? 'in_progress' : end.status,
    duration_hours: seconds === null ? null : float(seconds / 3600),
    duration_display: seconds === null ? 'Ongoing' : durationDisplay(seconds),
  };
}

function durationDisplay(seconds: number): string {
  if (seconds < 60) return `${fixedText(seconds, 1)} seconds`;
  return seconds < 3600 ? `${fixedText(seconds / 60, 1)} minutes` : `${fixedText(seconds / 3600, 1)} hours`;
}
