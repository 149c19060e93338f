/** Events as lab clients send them: about 400 bytes, with an owner, a time and a small payload. */
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const TYPES = [
  'action_start',
  'action_complete',
  'node_status_update',
  'workflow_start',
  'workflow_complete',
  'log_info',
  'log_debug',
  'test',
];
/** One in so many is a warning. */
const WARNING_EVERY = 50;
const START_MS = Date.UTC(2026, 0, 1);

/** A text of 26 characters that counts as a ULID, different for each number and kind. */
export function idOf(kind: string, n: number): string {
  let digits = '';
  for (let rest = n; digits.length < 12; rest = Math.floor(rest / 32)) digits = CROCKFORD[rest % 32] + digits;
  return `01JD${kind.padEnd(10, '0').slice(0, 10)}${digits}`;
}

const timeOf = (n: number): string => new Date(START_MS + n * 250).toISOString().replace('Z', `${String(n % 1000).padStart(3, '0')}`);

export interface SampleEvent {
  /** Also decides time and payload. */
  n: number;
  /** Event ids of different runs must differ. */
  run: string;
  nodeId?: string;
}

let runs = 0;

/** A name, always as long, for the ids of one run of this process, so that no two runs store the same event. */
export function newRun(): string {
  return `R${String(++runs).padStart(6, '0')}`;
}

export function eventText({ n, run, nodeId = idOf('N0DE', n % 20) }: SampleEvent): string {
  const data = {
    message: `Moved plate ${n % 96} from the deck to the reader`,
    action: 'transfer',
    duration_s: (n % 60) + 1,
    plate: n % 96,
    ok: true,
  };
  return JSON.stringify({
    _id: idOf(run, n),
    event_type: TYPES[n % TYPES.length],
    log_level: n % WARNING_EVERY === 0 ? 30 : 20,
    event_timestamp: timeOf(n),
    source: { node_id: nodeId, workcell_id: idOf('CE11', 1) },
    event_data: data,
  });
}

/** Without id and time, as a body that is posted over and over. */
export function anonymousEventText(): string {
  const { _id: _, event_timestamp: _time, ...event } = JSON.parse(eventText({ n: 17, run: 'X' })) as Record<string, unknown>;
  return JSON.stringify(event);
}

export function ndjson(count: number, event: (n: number) => SampleEvent): Buffer {
  return Buffer.from(Array.from({ length: count }, (_, n) => `${eventText(event(n))}\n`).join(''));
}
