import type { UtilizationRequest } from '../../src/core/utilization/request.ts';

/** A made-up lab: events in the order in which they arrive, and reports to ask for. */
export interface Lab {
  events: string[];
  requests: UtilizationRequest[];
}

const DAY_MS = 86_400_000;
const FIRST_DAY = Date.UTC(2025, 4, 5);
/** Zones whose clocks never change, so that the original is right in them (M49). */
const ZONES = ['UTC', 'Asia/Kolkata', 'America/Phoenix', 'Asia/Kathmandu', 'Nowhere/Town', 'Pacific/Kiritimati'];
const ID = '01JDEM0000000000000000';

/** Chance that can be repeated (mulberry32). */
class Dice {
  #state: number;
  constructor(seed: number) {
    this.#state = seed;
  }
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  below(count: number): number {
    return Math.floor(this.next() * count);
  }
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
  chance(share: number): boolean {
    return this.next() < share;
  }
}

type Data = Record<string, unknown>;
type Writer = (type: string, ms: number, source: Data, data: unknown) => void;

/** The same lab for the same seed. One lab in four has senders with clocks of other zones. */
export function madeUpLab(seed: number): Lab {
  const dice = new Dice(seed);
  const days = 1 + dice.below(12);
  const hasOffsets = dice.chance(0.25);
  const written: { ms: number; text: string }[] = [];
  const write: Writer = (type, ms, source, data) => {
    const event_timestamp = spelled(dice, ms, hasOffsets);
    const _id = `E${String(written.length).padStart(5, '0')}`;
    written.push({ ms, text: JSON.stringify({ _id, event_type: type, event_timestamp, source, event_data: data }) });
  };
  const moment = (): number => FIRST_DAY + dice.below(days * 24 * 12) * 300_000 + dice.pick([0, 0, 0, 500, 1_000, 59_000]);
  sessions(dice, moment, write);
  experiments(dice, moment, write);
  nodes(dice, moment, write);
  workflows(dice, moment, write);
  for (let i = dice.below(20); i > 0; i--)
    write('log_info', moment(), { node_id: id(dice.below(9)) }, { node_id: id(1), message: 'noise' });
  const times = written.map(({ ms }) => ms);
  // Mostly they arrive in the order of time, but some are late.
  const events = written.toSorted((a, b) => a.ms - b.ms || (dice.chance(0.5) ? 1 : -1));
  for (let i = dice.below(1 + events.length / 4); i > 0; i--) events.push(...events.splice(dice.below(events.length), 1));
  return {
    events: numbered(
      seed,
      events.map(({ text }) => text),
    ),
    requests: requests(dice, days, times),
  };
}

/** Ids in the order of arrival, as ULIDs are: a database without numbers of arrival goes by them. */
function numbered(seed: number, texts: readonly string[]): string[] {
  return texts.map((text, i) => text.replace(/"_id":"E\d+"/, `"_id":"${seed}-${String(i).padStart(5, '0')}"`));
}

function id(number: number): string {
  return `${ID}${String(number).padStart(4, '0')}`;
}

/** A time in one of the spellings that MADSci takes. */
function spelled(dice: Dice, ms: number, hasOffsets: boolean): string {
  const micros = dice.chance(0.1) ? '123456' : '';
  const text = (at: number): string => {
    const iso = new Date(at).toISOString().slice(0, -1);
    return micros !== '' ? `${iso.slice(0, 19)}.${micros}` : iso.endsWith('.000') ? iso.slice(0, 19) : `${iso}000`;
  };
  if (hasOffsets && dice.chance(0.3)) {
    const [offset, minutes] = dice.pick([
      ['+02:00', 120],
      ['-07:00', -420],
      ['+05:30', 330],
    ] as const);
    return text(ms + minutes * 60_000) + offset;
  }
  return text(ms) + dice.pick(['Z', 'Z', '', '+00:00']);
}

function sessions(dice: Dice, moment: () => number, write: Writer): void {
  const count = dice.pick([0, 1, 1, 2, 4]);
  for (let i = 0; i < count; i++) {
    const own = id(100 + dice.below(3));
    const kind = dice.pick(['workcell', 'workcell', 'lab']);
    const source = dice.pick<Data>([{ workcell_id: own }, { workcell_id: own }, { manager_id: own }, {}]);
    const data: Data = Object.keys(source).length === 0 && dice.chance(0.7) ? { workcell_id: own } : {};
    const start = moment();
    const name = dice.pick<Data>([
      {},
      { name: 'Cell ' },
      { workcell_name: 'Workcell of ours' },
      { lab_name: ' Lab' },
      { name: '', display_name: 'D' },
    ]);
    write(`${kind}_start`, start, source, { ...name, ...data, nodes: {} });
    if (dice.chance(0.5)) write(`${dice.pick(['workcell', 'lab'])}_stop`, start + dice.below(3 * DAY_MS), source, data);
    if (dice.chance(0.3)) write(`${kind}_start`, start + dice.below(2 * DAY_MS), source, data);
  }
}

function experiments(dice: Dice, moment: () => number, write: Writer): void {
  for (let i = dice.below(14); i > 0; i--) {
    const own = id(200 + dice.below(10));
    const [source, data] = dice.pick<readonly [Data, Data]>([
      [{ experiment_id: own }, {}],
      [{}, { experiment_id: own }],
      [{}, { experiment: { experiment_id: own } }],
      [{}, { experiment: { _id: own } }],
    ]);
    const name = dice.pick<Data>([{}, { experiment_name: ' Run ' }, { name: 'Named' }, { experiment_name: '', name: 'Second' }]);
    const design = {
      ...((data['experiment'] as Data | undefined) ?? {}),
      experiment_design: { experiment_name: dice.pick(['Design', 7]) },
    };
    const start = moment();
    write('experiment_start', start, source, { ...name, ...data, ...(dice.chance(0.4) ? { experiment: design } : {}) });
    if (dice.chance(0.15)) write('experiment_start', start + dice.below(DAY_MS), source, data);
    const status = dice.pick<Data>([{}, { status: 'completed' }, { status: 'failed' }, { status: 3 }, { status: null }]);
    const end = dice.pick(['complete', 'complete', 'failed', 'cancelled', null]);
    if (end !== null)
      write(`experiment_${end}`, start + dice.below(dice.pick([90_000, 3_600_000, 2 * DAY_MS])), source, { ...data, ...status });
    if (dice.chance(0.1)) write('experiment_complete', moment(), source, { ...data, ...status });
  }
}

function nodes(dice: Dice, moment: () => number, write: Writer): void {
  for (let node = dice.below(5); node > 0; node--) {
    const own = id(300 + node);
    const [source, data] = dice.pick<readonly [Data, Data]>([
      [{ node_id: own }, {}],
      [{ node_id: own }, { node_id: own }],
      [{}, { node_id: own }],
      [{}, { node_name: `robot ${node}` }],
      [{}, { node: `reader "${node}", 你` }],
      [{}, { node_id: node * 1.5 }],
      [{}, { node_id: 0, node: 40 + node }],
      [{}, { node_id: id(100) }],
      [{ workcell_id: id(101) }, {}],
    ]);
    const isNamed = typeof data['node_id'] !== 'number';
    if (dice.chance(0.6)) write('node_start', moment(), source, isNamed && dice.chance(0.5) ? { ...data, node_name: ' Arm ' } : data);
    if (dice.chance(0.4)) write('node_stop', moment(), source, data);
    if (dice.chance(0.2)) write('node_status_update', moment(), source, { ...data, status: 'ready' });
    for (let i = dice.below(8); i > 0; i--) action(dice, moment(), source, data, write);
  }
}

function action(dice: Dice, start: number, source: Data, data: Data, write: Writer): void {
  const member = dice.pick(['action_id', 'action', 'task_id', '_id', 'id']);
  const named = { ...data, [member]: dice.pick<unknown>([`a${dice.below(4)}`, dice.below(3), { deep: [1.5, 'x'] }, true]) };
  const begin = dice.pick(['running', 'started', 'in_progress', 'in_progress', 'paused']);
  write('action_status_change', start, source, { ...named, status: begin });
  if (dice.chance(0.2))
    write('action_status_change', start + dice.below(3_600_000), source, { ...named, status: dice.pick<unknown>(['running', null, 4]) });
  const end = dice.pick(['completed', 'failed', 'cancelled', 'finished', 'succeeded', 'unknown']);
  if (dice.chance(0.8))
    write('action_status_change', start + dice.below(dice.pick([60_000, 3_600_000, DAY_MS])), source, { ...named, status: end });
}

function workflows(dice: Dice, moment: () => number, write: Writer): void {
  for (let i = dice.below(12); i > 0; i--) {
    const workflow_id = dice.pick<unknown>([id(400 + i), id(400 + i), id(400 + i), `flow ${dice.below(3)}`, dice.below(3), 1.0, 2.5]);
    const author = dice.pick<Data>([
      {},
      { author: 'Ada' },
      { author: '  Grace ' },
      { author: '  ' },
      { definition_metadata: { author: 'Ned' } },
      { definition_metadata: {}, workflow_definition_metadata: { author: 'Wilma' } },
      { author: '', definition_metadata: { author: 'Ned' } },
    ]);
    const name = dice.pick<Data>([{}, { name: 'flow' }, { workflow_name: 'old' }, { name: '', workflow_name: 'old' }, { name: 7 }]);
    const start = moment();
    if (dice.chance(0.8)) write('workflow_start', start, {}, { workflow_id, ...author, ...name });
    const ending = dice.pick<Data>([
      { duration_seconds: dice.below(10_000) },
      { duration_seconds: dice.below(1_000_000) / 64 },
      { duration_seconds: 9.625 },
      { duration_seconds: null },
      {},
      { start_time: '2025-01-01T00:00:00', end_time: '2025-01-01T01:30:00Z' },
    ]);
    const status = dice.pick<Data>([
      {},
      { status: 'completed' },
      { status: 'failed' },
      { status: 'strange' },
      { status: '' },
      { status: null },
      { status: { completed: false, failed: true } },
      { status: { cancelled: 1, description: 'Completed' } },
      { status: { description: 'It FAILED badly' } },
      { status: ['completed'] },
    ]);
    if (dice.chance(0.85))
      write(
        'workflow_complete',
        start + dice.below(7_200_000),
        {},
        { workflow_id, ...(dice.chance(0.7) ? author : {}), ...name, ...ending, ...status },
      );
  }
}

function requests(dice: Dice, days: number, times: readonly number[]): UtilizationRequest[] {
  const naive = (ms: number): string => new Date(ms).toISOString().slice(0, 23);
  const bound = (): string => {
    const onEvent = times.length > 0 && dice.chance(0.4) ? dice.pick(times) : FIRST_DAY + dice.below((days + 1) * 24) * 3_600_000;
    return naive(onEvent) + dice.pick(['', 'Z', '+00:00']);
  };
  const between = (): { startTime: string; endTime: string } => {
    const [startTime, endTime] = [bound(), bound()].toSorted() as [string, string];
    return { startTime, endTime };
  };
  const whole = { startTime: naive(FIRST_DAY - dice.below(20) * 3_600_000), endTime: naive(FIRST_DAY + days * DAY_MS) };
  const all = { analysisType: 'daily', timeZone: 'UTC', includeUsers: false };
  const nothing = { startTime: null, endTime: null };
  const start = dice.below(days * 24) * 3_600_000;
  const short = {
    startTime: naive(FIRST_DAY + start + dice.pick([0, 900_000])),
    endTime: naive(FIRST_DAY + start + (1 + dice.below(20)) * 3_600_000),
  };
  const periods = (analysisType: string, times: { startTime: string; endTime: string }): UtilizationRequest => ({
    kind: 'periods',
    ...times,
    analysisType,
    timeZone: dice.pick(ZONES),
    includeUsers: dice.chance(0.5),
  });
  return [
    { kind: 'sessions', ...all, ...nothing },
    { kind: 'sessions', ...all, ...between() },
    { kind: 'sessions', ...all, ...between() },
    { kind: 'sessions', ...all, ...(dice.chance(0.5) ? { startTime: bound(), endTime: null } : { startTime: null, endTime: bound() }) },
    { kind: 'users', ...all, ...nothing },
    { kind: 'users', ...all, ...between() },
    periods('hourly', short),
    periods('daily', whole),
    periods('daily', between()),
    periods('weekly', dice.chance(0.5) ? whole : between()),
    periods('monthly', dice.chance(0.5) ? whole : between()),
    periods('yearly', dice.chance(0.5) ? whole : between()),
  ];
}
