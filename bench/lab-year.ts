import { idOf } from './sample-events.ts';

/** A busy lab, all year round: 2 workcells that start and stop every day, 12 nodes, 8 authors. */
export const YEAR_START_MS = Date.UTC(2025, 0, 1);
export const YEAR_MS = 365 * 86_400_000;
const DAY_MS = 86_400_000;
const NODES = 12;
const AUTHORS = 8;
/** In a hundred events. The rest are logs. */
const SHARES = { actions: 30, statuses: 10, workflows: 6, experiments: 2 };

/** The nth of `count` events, as JSON text. Times go up. */
export function labEvent(n: number, count: number): string {
  const ms = YEAR_START_MS + Math.floor((n / count) * YEAR_MS);
  const [event_type, source, event_data] = dailyEvent(ms, n, count) ?? commonEvent(n);
  return JSON.stringify({ _id: idOf('YEAR', n), event_type, log_level: 20, event_timestamp: timeText(ms), source, event_data });
}

type Parts = [type: string, source: object, data: object];
const timeText = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');
const cell = (n: number): object => ({ workcell_id: idOf('CE11', n % 2) });

/** Two workcells start in the first events of a day and stop in the first of its evening. */
function dailyEvent(ms: number, n: number, count: number): Parts | null {
  const before = YEAR_START_MS + Math.floor(((n - 2) / count) * YEAR_MS);
  const isFirstSince = (hour: number): boolean => dayAt(ms, hour) !== dayAt(before, hour);
  if (isFirstSince(7)) return ['workcell_start', cell(n), { name: `Cell ${n % 2}` }];
  return isFirstSince(19) ? ['workcell_stop', cell(n), {}] : null;
}
const dayAt = (ms: number, hour: number): number => Math.floor((ms - hour * 3_600_000) / DAY_MS);

/** Pairs of a beginning and an end follow each other at a distance of a hundred. */
function commonEvent(n: number): Parts {
  const [place, round] = [n % 100, Math.floor(n / 100)];
  const [pair, isEnd] = [Math.floor(round / 2) * 100 + place, round % 2 === 1];
  const source = { node_id: idOf('N0DE', place % NODES), manager_id: idOf('MANAGER', 1) };
  if (place < SHARES.actions)
    return [
      'action_status_change',
      source,
      { action_id: idOf('ACT', pair), action_name: 'transfer', status: isEnd ? 'completed' : 'running' },
    ];
  if (place < SHARES.actions + SHARES.statuses) return ['node_status_update', source, { status: 'ready', busy: isEnd, errors: [] }];
  if (place < SHARES.actions + SHARES.statuses + SHARES.workflows) return workflow(pair, isEnd, source);
  if (place >= 100 - SHARES.experiments) {
    const experiment = { experiment_id: idOf('EXP', pair), experiment_name: `Run ${pair}` };
    return [isEnd ? 'experiment_complete' : 'experiment_start', source, experiment];
  }
  return [
    'log_info',
    source,
    { message: `Moved plate ${n % 96} from the deck to the reader`, plate: n % 96, duration_s: (n % 60) + 1.5, ok: true },
  ];
}

function workflow(pair: number, isEnd: boolean, source: object): Parts {
  const data = { workflow_id: idOf('F1OW', pair), name: 'screen', author: `Author ${pair % AUTHORS}` };
  return isEnd
    ? ['workflow_complete', source, { ...data, status: 'completed', duration_seconds: 300.25 }]
    : ['workflow_start', source, data];
}
