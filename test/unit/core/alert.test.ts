import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type AlertPair, mayHaveTwin, pairUp, type RaisedAlert, twinText } from '../../../src/core/alert.ts';
import { type AlertMailSettings, alertMails } from '../../../src/core/alert-mail.ts';
import { DEFAULT_EVENT_LIMITS, normaliseEvent } from '../../../src/core/event.ts';
import { fixedDefaults } from '../../support/event-defaults.ts';

const NODE = '01JNGVBW5S8E0T8ZR9HX5Y4M03';
const MEMBERS = {
  _id: 'e1',
  event_type: 'log_critical',
  log_level: 50,
  alert: true,
  source: { node_id: NODE },
  event_data: { message: 'x' },
};

function raised(members: object | string, over: Partial<RaisedAlert> = {}): RaisedAlert {
  const text = typeof members === 'string' ? members : JSON.stringify({ event_timestamp: '2026-03-04T05:06:07', ...members });
  const result = normaliseEvent(text, fixedDefaults, { ...DEFAULT_EVENT_LIMITS, allowCustomTypes: true });
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  return { event: result.event, to: null, importance: null, ...over };
}

describe('M56 the two events of one log_alert', () => {
  const first = twinText(raised(MEMBERS));

  test.each([
    { what: 'another id', over: { _id: 'e2' }, same: true },
    { what: 'another time', over: { event_timestamp: '2026-03-04T05:06:07.004' }, same: true },
    { what: 'archived since', over: { archived: true }, same: true },
    { what: 'another message', over: { event_data: { message: 'y' } }, same: false },
    { what: 'a number spelled otherwise', over: { event_data: { message: 1.5 } }, same: false },
    { what: 'another source', over: { source: { workcell_id: NODE } }, same: false },
    { what: 'another type', over: { event_type: 'log_error' }, same: false },
    { what: 'another trace', over: { trace_id: 'a' }, same: false },
    { what: 'tags', over: { tags: ['a'] }, same: false },
  ])('$what: $same', ({ over, same }) => {
    expect(twinText(raised({ ...MEMBERS, ...over })) === first).toBe(same);
  });

  test.each([
    { over: {}, may: true },
    { over: { alert: false }, may: false },
    { over: { log_level: 40 }, may: false },
  ])('only flagged critical events come in twos: $over', ({ over, may }) => {
    expect(mayHaveTwin(raised({ ...MEMBERS, ...over }))).toBe(may);
  });

  /** What pairUp answers to these in turn. */
  function judge(alerts: readonly { id: string; atUs: number }[]): { twins: string[]; pairs: AlertPair[] } {
    let pairs: AlertPair[] = [];
    const twins: string[] = [];
    for (const alert of alerts) {
      const answer = pairUp(pairs, alert);
      pairs = answer.pairs ?? pairs;
      if (answer.isTwin) twins.push(alert.id);
    }
    return { twins, pairs };
  }

  test.each([
    { times: [0, 4_000], twins: ['1'], why: 'some milliseconds apart' },
    { times: [4_000, 0], twins: ['1'], why: 'in either order' },
    { times: [0, 1_000_000], twins: ['1'], why: 'a second at most' },
    { times: [0, 1_000_001], twins: [], why: 'not more' },
    { times: [0, 4_000, 8_000, 12_000], twins: ['1', '3'], why: 'two calls are two alerts' },
    { times: [0, 4_000, 8_000], twins: ['1'], why: 'an alert takes one twin' },
    { times: [0, 10_000_000, 4_000], twins: ['2'], why: 'also when another came in between' },
  ])('$times → $twins: $why', ({ times, twins }) => {
    expect(judge(times.map((atUs, n) => ({ id: String(n), atUs }))).twins).toEqual(twins);
  });

  test('whatever the order and however often, an alert gets one answer, and at most half of them are twins', () => {
    const alerts = fc.array(fc.record({ id: fc.constantFrom(...'abcdefgh'), atUs: fc.integer({ min: 0, max: 3_000_000 }) }), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(alerts, (list) => {
        const times = new Map(list.map(({ id, atUs }) => [id, atUs]));
        const each = list.map(({ id }) => ({ id, atUs: times.get(id) ?? 0 }));
        const { twins, pairs } = judge(each);
        for (const id of new Set(each.map((one) => one.id))) {
          const answers = each.filter((one) => one.id === id).length;
          expect([0, answers]).toContain(twins.filter((one) => one === id).length);
        }
        expect(new Set(twins).size * 2).toBeLessThanOrEqual(times.size);
        for (const { first: a, twin: b } of pairs) {
          if (b !== null) expect(Math.abs((times.get(a) ?? 0) - (times.get(b) ?? 0))).toBeLessThanOrEqual(1_000_000);
        }
      }),
      { numRuns: 300, seed: 11 },
    );
  });

  test('what is remembered is bounded', () => {
    const far = Array.from({ length: 500 }, (_, n) => ({ id: String(n), atUs: n * 2_000_000 }));
    expect(judge(far).pairs).toHaveLength(64);
  });
});

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const SETTINGS: AlertMailSettings = {
  site: { domain: 'lab.example', digest: sha256 },
  addresses: ['ada@lab.example', 'ben@lab.example'],
  importance: 'Normal',
  subjects: 'names',
};
const FROM = { executionId: 'e1.1', at: 5.5 };

describe('M36 M37 M38 the mails of an alert', () => {
  test('one for each address, with ids that follow from event and address alone', () => {
    const [one, two] = alertMails(raised(MEMBERS), SETTINGS, FROM);
    expect([one?.to, two?.to]).toEqual(SETTINGS.addresses);
    expect(one).toMatchObject({ executionId: 'e1.1', kind: 'alert', html: null, createdAt: 6 });
    expect(one?.id).toMatch(/^[0-9a-f]{64}\.alert$/);
    expect(one?.messageId).toBe(`${one?.id}@lab.example`);
    const other = { ...MEMBERS, event_data: 1 };
    const again = alertMails(raised(other, { importance: 'High', to: ['ben@lab.example'] }), SETTINGS, { executionId: 'x.2', at: 9 });
    expect(again.map(({ id }) => id)).toEqual([two?.id]);
    expect(alertMails(raised({ ...MEMBERS, _id: 'e2' }), SETTINGS, FROM).map(({ id }) => id)).not.toContain(one?.id);
  });

  test('an address that is named twice is written to once', () => {
    expect(alertMails(raised(MEMBERS), { ...SETTINGS, addresses: ['a@b.example', 'a@b.example'] }, FROM)).toHaveLength(1);
  });

  test.each([
    { level: 40, type: 'log_error', names: 'ALERT (EventLogLevel.ERROR): EventType.LOG_ERROR', values: 'ALERT (40): log_error' },
    {
      level: 0,
      type: 'workflow_step_failed',
      names: 'ALERT (EventLogLevel.NOTSET): EventType.WORKFLOW_STEP_FAILED',
      values: 'ALERT (0): workflow_step_failed',
    },
    { level: 50, type: 'my.own', names: 'ALERT (EventLogLevel.CRITICAL): my.own', values: 'ALERT (50): my.own' },
  ])('subjects of $type at $level', ({ level, type, names, values }) => {
    const alert = raised({ ...MEMBERS, log_level: level, event_type: type });
    expect(alertMails(alert, SETTINGS, FROM)[0]?.subject).toBe(names);
    expect(alertMails(alert, { ...SETTINGS, subjects: 'values' }, FROM)[0]?.subject).toBe(values);
  });

  test.each([
    { importance: 'High', priority: '1' },
    { importance: 'Low', priority: '3' },
    { importance: 'Normal', priority: '5' },
    { importance: 'urgent', priority: '5' },
    { importance: 'hIGH', priority: '1' },
  ])('importance $importance has priority $priority', ({ importance, priority }) => {
    const headers = { Importance: importance, 'X-Priority': priority, 'X-MADSci-Event-ID': 'e1' };
    expect(alertMails(raised(MEMBERS), { ...SETTINGS, importance }, FROM)[0]?.headers).toEqual(headers);
    expect(alertMails(raised(MEMBERS, { importance }), SETTINGS, FROM)[0]?.headers).toEqual(headers);
  });

  test('the body is the event with its id under the name event_id; numbers keep what they say', () => {
    const text = `{"_id":"e\\"1","event_timestamp":"2026-03-04T05:06:07Z","source":{},"event_data":{"_id":"in","n":[1591844539983333333,1.0,1e-07,36893488147419103232],"e":{}}}`;
    expect(alertMails(raised(text), SETTINGS, FROM)[0]?.text).toBe(`{
  "event_id": "e\\"1",
  "event_type": "unknown",
  "log_level": 20,
  "alert": false,
  "event_timestamp": "2026-03-04T05:06:07Z",
  "source": {},
  "event_data": {
    "_id": "in",
    "n": [
      1591844539983333333,
      1.0,
      1e-7,
      36893488147419103232
    ],
    "e": {}
  },
  "trace_id": null,
  "span_id": null,
  "archived": false,
  "archived_at": null
}`);
  });

  test('a body beyond 8 MiB is cut and says so', () => {
    const [mail] = alertMails(raised({ ...MEMBERS, event_data: 'é'.repeat(5_000_000) }), SETTINGS, FROM);
    expect(Buffer.byteLength(mail?.text ?? '')).toBeLessThan(8_388_608 + 100);
    expect(mail?.text.endsWith('\n… cut; GET /event answers all of it')).toBe(true);
  });
});
