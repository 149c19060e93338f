import fc from 'fast-check';
import { EXECUTION_STATES } from '../../src/core/execution.ts';
import type { Dump } from '../conformance/movable-store.suite.ts';
import { event } from '../conformance/subject.ts';

/**
 * Whole stores at random. Texts are any that a store takes: with NUL and all planes, but no lone surrogates, which BSON cannot hold.
 */
const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const name = fc.oneof(fc.constantFrom('', 'a', 'A', '10', '9', '__proto__', '$set', 'a.b', 'é', '\uffee', '😀'), text);
const at = fc.integer({ min: 1_700_000_000_000, max: 1_800_000_000_000 });
const instant = fc.oneof(
  at,
  fc.tuple(at, fc.integer({ min: 1, max: 999 })).map(([ms, part]) => ms + part / 1_000),
);
const orNull = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(of, { nil: null });
const number = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
  fc.constantFrom(1591844539983333333n, 2n ** 63n, -(2n ** 63n) - 1n),
);
/** JSON texts with every kind of number; some spelled as floats, which JSON.stringify never does. */
const json: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    number.map(String).map((digits) => digits.replace('Infinity', '0')),
    fc.constantFrom('1.0', '-0.0', '1e-07', '1e+22', 'null', 'true', '[]', '{}'),
    text.map((each) => JSON.stringify(each)),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(',')}]`),
    fc
      .uniqueArray(fc.tuple(name, tie('value')), { maxLength: 3, selector: ([key]) => key })
      .map((members) => `{${members.map(([key, value]) => `${JSON.stringify(key.replaceAll('\0', ''))}:${value}`).join(',')}}`),
  ),
})).value;

interface Drawn {
  id: string;
  data: string;
  archived: 'no' | 'by_server' | 'by_client';
  archivedAt: number;
  cause: { by: string; depth: number } | null;
  isTheirs: boolean;
  level: number;
}
const drawn: fc.Arbitrary<Drawn> = fc.record({
  id: fc.oneof(
    fc.ulid(),
    name.filter((id) => id !== ''),
  ),
  data: json,
  archived: fc.constantFrom('no', 'no', 'by_server', 'by_client'),
  archivedAt: at,
  cause: orNull(fc.record({ by: text, depth: fc.integer({ min: 1, max: 9 }) })),
  isTheirs: fc.boolean(),
  level: fc.constantFrom(0, 20, 40, 50),
});

/** MADSci's own come first, by id, as both stores answer them. */
function eventRecords(all: readonly Drawn[], gap: number): Dump['events'] {
  const bytes = (id: string): Buffer => Buffer.from(id);
  const theirs = all.filter(({ isTheirs }) => isTheirs).sort((a, b) => Buffer.compare(bytes(a.id), bytes(b.id)));
  const ours = all.filter(({ isTheirs }) => !isTheirs);
  return [...theirs, ...ours].map((one, n) => eventRecord(one, n < theirs.length ? n - theirs.length : (n + 1) * gap));
}

function eventRecord({ id, data, archived, archivedAt, cause, isTheirs, level }: Drawn, seq: number): Dump['events'][number] {
  const time = `"${new Date(archivedAt).toISOString().slice(0, -1)}"`;
  const members = [
    `"_id":${JSON.stringify(id)}`,
    `"log_level":${level}`,
    `"event_timestamp":"2026-01-01T00:00:00"`,
    `"event_data":${isTheirs ? smallNumbers(data) : data}`,
  ];
  if (archived !== 'no') members.push('"archived":true', `"archived_at":${time}`);
  return {
    seq,
    id,
    json: event(`{${members.join(',')}}`).json,
    archivedAt: archived === 'by_server' ? archivedAt : null,
    cause: isTheirs ? null : (cause?.by ?? null),
    root: isTheirs || cause === null ? null : id,
    depth: isTheirs ? 0 : (cause?.depth ?? 0),
  };
}

/** MADSci's server stores no integers beyond 64 bits. */
const smallNumbers = (data: string): string => (/\d{19}/.test(data) ? '{}' : data);

const execution = fc.record({
  id: fc.ulid(),
  handlerId: fc.integer({ min: 1, max: 9 }),
  version: fc.nat(5),
  hook: name,
  subject: name,
  fired: fc.boolean(),
  state: fc.constantFrom(...EXECUTION_STATES.filter((state) => state !== 'leased')),
  attempt: fc.nat(9),
  failures: fc.nat(9),
  replays: fc.nat(3),
  orderingKey: orNull(text),
  createdAt: at,
  runAt: at,
  startedAt: orNull(instant),
  finishedAt: orNull(instant),
  output: orNull(json),
  logs: orNull(json),
  error: orNull(json),
  attempts: fc.array(
    fc.record({ attempt: fc.nat(9), startedAt: orNull(instant) }).map((one) => JSON.stringify(one)),
    { maxLength: 3 },
  ),
});
const delivery = fc.record({
  id: fc.ulid(),
  executionId: orNull(text),
  kind: fc.constantFrom('success' as const, 'failure' as const, 'mail' as const, 'alert' as const),
  to: text,
  subject: text,
  text,
  html: orNull(text),
  messageId: text,
  createdAt: at,
  attachments: orNull(text.map((name) => JSON.stringify([{ name, type: 'text/plain', content: 'YQ==' }]))),
  headers: orNull(text.map((one) => JSON.stringify({ one }))),
  state: fc.constantFrom('pending' as const, 'sent' as const, 'failed' as const),
  attempts: fc.nat(8),
  nextAt: orNull(at),
  lastError: orNull(text),
  sentAt: orNull(at),
});
const handler = fc.record({
  hook: name,
  enabled: fc.boolean(),
  version: fc.nat(4),
  createdAt: at,
  createdBy: text,
  updatedAt: at,
  updatedBy: text,
  removedAt: orNull(at),
});
const inOrder = <T>(records: T[], key: (one: T) => string): T[] =>
  records.sort((a, b) => Buffer.compare(Buffer.from(key(a)), Buffer.from(key(b))));
const unique = <T>(of: fc.Arbitrary<T>, key: (one: T) => unknown, maxLength = 12): fc.Arbitrary<T[]> =>
  fc.uniqueArray(of, { maxLength, selector: key });

export const randomDump: fc.Arbitrary<Dump> = fc
  .record({
    settings: unique(fc.record({ name: name.filter((one) => one !== 'move'), value: text }), ({ name: key }) => key),
    keys: unique(
      fc.record({ id: name, body: fc.constant('{"name":"é","scopes":["admin"]}'), revokedAt: orNull(at), lastUsedAt: orNull(at) }),
      ({ id }) => id,
    ),
    handlers: fc.array(handler, { maxLength: 6 }),
    more: fc.nat(3),
    state: unique(
      fc.record({ handlerId: fc.integer({ min: 1, max: 12 }), key: name, value: json }),
      ({ handlerId, key }) => `${handlerId} ${key}`,
    ),
    schedules: unique(
      fc.record({ handlerId: fc.integer({ min: 1, max: 99 }), stamp: text, nextAt: orNull(at), previousAt: orNull(at) }),
      ({ handlerId }) => handlerId,
    ),
    events: unique(drawn, ({ id }) => id, 40),
    gap: fc.integer({ min: 1, max: 1_000_000 }),
    firings: unique(
      fc.record({
        id: name,
        hook: name,
        payload: json,
        tags: fc.array(text, { maxLength: 3 }),
        createdAt: at,
        root: orNull(text),
        depth: fc.nat(9),
      }),
      ({ id }) => id,
    ),
    executions: unique(execution, ({ id }) => id, 25),
    deliveries: unique(delivery, ({ id }) => id),
    alertPairs: unique(fc.record({ key: name, pairs: fc.constant('[]'), seenAt: fc.constant(Date.now()) }), ({ key }) => key),
  })
  .map(({ handlers, more, gap, ...rest }): Dump => {
    const numbered = handlers.map((one, n) => ({ ...one, id: n + 1, name: `handler ${n}`, body: `{"version":${one.version},"code":"é"}` }));
    return {
      settings: inOrder(rest.settings, (one) => one.name),
      keys: inOrder(rest.keys, ({ id }) => id),
      counters: handlers.length + more > 0 ? [{ name: 'handlers', value: handlers.length + more }] : [],
      handlers: numbered,
      versions: numbered.flatMap(({ id, version }) =>
        Array.from({ length: version }, (_, number) => ({ handlerId: id, version: number, body: `{"version":${number}}` })),
      ),
      state: inOrder(rest.state, ({ key }) => key).sort((a, b) => a.handlerId - b.handlerId),
      schedules: rest.schedules.sort((a, b) => a.handlerId - b.handlerId),
      events: eventRecords(rest.events, gap),
      firings: inOrder(rest.firings, ({ id }) => id),
      // Nothing waits for a handler that was removed: a server that finds such a one cancels it.
      executions: rest.executions.map((one, n) => ({
        ...one,
        seq: (n + 1) * gap,
        state: one.state === 'pending' && handlers[one.handlerId - 1]?.removedAt != null ? 'canceled' : one.state,
      })),
      alertPairs: inOrder(rest.alertPairs, ({ key }) => key),
      deliveries: rest.deliveries.map((one, n) => ({ ...one, seq: (n + 1) * gap + 1 })),
    };
  });
