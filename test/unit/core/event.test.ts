import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  DEFAULT_EVENT_LIMITS,
  type EventDefaults,
  type EventLimits,
  type NormalisedEvent,
  normaliseEvent,
  normaliseEventValue,
} from '../../../src/core/event.ts';
import { isUlid } from '../../../src/core/event-source.ts';
import { EVENT_TYPES } from '../../../src/core/event-types.ts';
import { Double, isPlain, parseExact, stringifyExact } from '../../../src/core/json.ts';
import { fixedDefaults, MANAGER_ID, NEW_ID, NOW_TEXT, NOW_US } from '../../support/event-defaults.ts';

const NODE_ID = '01JDEM0000PXG76XHZZP626NQ6';

function eventOf(text: string, limits: Partial<EventLimits> = {}, defaults: EventDefaults = fixedDefaults): NormalisedEvent {
  const result = normaliseEvent(text, defaults, { ...DEFAULT_EVENT_LIMITS, ...limits });
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  return result.event;
}

/** What is wrong, as "type at loc". */
function faultsOf(text: string, limits: Partial<EventLimits> = {}): string[] {
  const result = normaliseEvent(text, fixedDefaults, { ...DEFAULT_EVENT_LIMITS, ...limits });
  return result.ok ? [] : result.issues.map(({ type, loc }) => `${result.kind}: ${type} at /${loc.join('/')}`);
}

describe('M1 M4 the event', () => {
  test('of an empty object is all defaults', () => {
    expect(eventOf('{}')).toEqual({
      id: NEW_ID,
      type: 'unknown',
      level: 20,
      alert: false,
      timestamp: NOW_TEXT,
      timestampUs: NOW_US,
      archived: false,
      archivedAt: null,
      nodeId: null,
      source: { manager_id: MANAGER_ID },
      tags: [],
      defaulted: { id: true, timestamp: true, source: true },
      json:
        `{"_id":"${NEW_ID}","event_type":"unknown","log_level":20,"alert":false,"event_timestamp":"${NOW_TEXT}",` +
        `"source":{"manager_id":"${MANAGER_ID}"},"event_data":{},"trace_id":null,"span_id":null,"archived":false,"archived_at":null}`,
      data: {},
      plain: true,
    });
  });

  test('of a full object keeps everything given', () => {
    const event = eventOf(
      `{"tags":["a"],"event_id":5.0,"event_type":"NODE_ERROR","log_level":"error","alert":"yes","event_timestamp":"2025-03-04 05:06:07",` +
        `"source":{"node_id":"${NODE_ID}","user_id":null,"robot":1},"event_data":[1.0],"trace_id":"t","span_id":"s\\n","archived":1,"archived_at":0}`,
    );
    expect(event).toMatchObject({ id: '5.0', type: 'node_error', level: 40, alert: true, nodeId: NODE_ID, tags: ['a'], archived: true });
    expect(event).toMatchObject({ archivedAt: '1970-01-01T00:00:00Z', defaulted: { id: false, timestamp: false, source: false } });
    expect(event.data).toEqual([new Double(1)]);
    expect(event.json).toBe(
      `{"_id":"5.0","event_type":"node_error","log_level":40,"alert":true,"event_timestamp":"2025-03-04T05:06:07",` +
        `"source":{"node_id":"${NODE_ID}"},"event_data":[1.0],"trace_id":"t","span_id":"s\\n","archived":true,` +
        `"archived_at":"1970-01-01T00:00:00Z","tags":["a"]}`,
    );
    expect(event.plain).toBe(false);
  });

  test('detail 4: a naive time is read on the clock given, one with an offset is not', () => {
    const berlin: EventDefaults = { ...fixedDefaults, naiveOffsetMinutes: (us) => (us === 3_600_000_000 ? 60 : 0) };
    expect(eventOf('{"event_timestamp":"1970-01-01T01:00:00"}', {}, berlin).timestampUs).toBe(0);
    expect(eventOf('{"event_timestamp":"1970-01-01T01:00:00Z"}', {}, berlin).timestampUs).toBe(3_600_000_000);
  });

  test('is plain when its own text is, whatever was dropped from the request', () => {
    expect(eventOf('{"event_timestamp":1741064767.0,"dropped":1e5,"event_data":{"a":1}}').plain).toBe(true);
    expect(eventOf('{"event_data":{"1":0}}').plain).toBe(false);
  });

  test('can have members named like integers beside its own', () => {
    expect(eventOf('{"1":0,"event_type":"test","__proto__":{"log_level":50}}')).toMatchObject({ type: 'test', level: 20 });
  });

  test.each(['{"__proto__":{"log_level":50}}', '{"__proto__":{"log_level":50},"x":1.0}'])('takes nothing from %s', (text) => {
    expect(eventOf(text).level).toBe(20);
  });
});

describe('M2 the id', () => {
  test.each([
    ['{"_id":"a","event_id":"b"}', 'a'],
    ['{"event_id":"b","_id":null}', 'None'],
    ['{"event_id":[1,"a",null]}', "[1, 'a', None]"],
    ['{"event_id":"a\\u0000\\n\\"é🧪"}', 'a\0\n"é🧪'],
    [`{"event_id":"${'x'.repeat(8192)}"}`, 'x'.repeat(8192)],
  ])('of %.60s is %.30s', (text, id) => {
    const event = eventOf(text);
    expect(event.id).toBe(id);
    expect((JSON.parse(event.json) as { _id: string })._id).toBe(id);
  });
});

describe('M28 event types', () => {
  test('there are 63, each taken in any case', () => {
    const names = Object.keys(EVENT_TYPES);
    expect(names).toHaveLength(63);
    expect(names.map((name) => eventOf(`{"event_type":"${name.toUpperCase()}"}`).type)).toEqual(names);
  });

  test('others need the opt-in', () => {
    expect(faultsOf('{"event_type":"Pump.Leak"}')).toEqual(['shape: enum at /event_type']);
    expect(eventOf('{"event_type":"Pump.Leak"}', { allowCustomTypes: true }).type).toBe('pump.leak');
    expect(faultsOf('{"event_type":"no \\"blanks\\""}', { allowCustomTypes: true })).toEqual(['shape: enum at /event_type']);
  });
});

describe('M5 M6 log_level, alert', () => {
  test.each(['"20"', '" +2_0 "', '"020.00"', '20.0', '2e1', '"ınfo"', '"eventloglevel.info"'])('log_level %s is 20', (value) => {
    expect(eventOf(`{"log_level":${value}}`).level).toBe(20);
  });

  test.each(['-0.0', '"-0"', 'false', '"notset"'])('log_level %s is 0', (value) => {
    expect(eventOf(`{"log_level":${value}}`).json).toContain('"log_level":0,');
  });

  test.each([
    ['25', 'enum'],
    ['"2e1"', 'enum'],
    ['"20."', 'enum'],
    ['"_20"', 'enum'],
    ['true', 'enum'],
    ['[20]', 'enum'],
    [`"${'9'.repeat(4301)}"`, 'enum'],
    ['9007199254740993', 'enum'],
    ['9223372036854775808', 'int_parsing_size'],
    ['"-9223372036854775809"', 'int_parsing_size'],
  ])('log_level %.30s: %s', (value, type) => {
    expect(faultsOf(`{"log_level":${value}}`)).toEqual([`shape: ${type} at /log_level`]);
  });

  test.each([
    ['2', 'bool_parsing'],
    ['-1.0', 'bool_parsing'],
    ['9007199254740993', 'bool_parsing'],
    ['" on"', 'bool_parsing'],
    ['"perhaps"', 'bool_parsing'],
    ['0.5', 'bool_type'],
    ['1e300', 'bool_type'],
    ['99999999999999999999', 'bool_type'],
    ['null', 'bool_type'],
  ])('alert %s: %s', (value, type) => {
    expect(faultsOf(`{"alert":${value}}`)).toEqual([`shape: ${type} at /alert`]);
  });
});

describe('M8 the source', () => {
  test('an id is a ULID unless the site is relaxed', () => {
    expect(faultsOf('{"source":{"node_id":"pump \\"1\\"","lab_id":4}}')).toEqual([
      'shape: value_error at /source/node_id',
      'shape: string_type at /source/lab_id',
    ]);
    const event = eventOf('{"source":{"node_id":"pump \\"1\\""}}', { allowAnySourceIds: true });
    expect(event.nodeId).toBe('pump "1"');
    expect(event.json).toContain('"source":{"node_id":"pump \\"1\\""}');
  });

  test.each([
    ['7ZZZZZZZZZZZZZZZZZZZZZZZZZ', true],
    ['01jdem0000pxg76XHZZP626NQ6', true],
    ['81JDEM0000PXG76XHZZP626NQ6', false],
    ['01JDEM0000PXG76XHZZP626NQU', false],
    ['01JDEM0000PXG76XHZZP626NQé', false],
    ['01JDEM0000PXG76XHZZP626NQ', false],
    ['', false],
  ])('isUlid(%j) is %p', (text, expected) => {
    expect(isUlid(text)).toBe(expected);
  });

  test('members may be named like integers', () => {
    expect(eventOf(`{"source":{"1":0,"node_id":"${NODE_ID}"}}`).nodeId).toBe(NODE_ID);
  });
});

describe('tags', () => {
  test('keep their order, each once, and are answered when given', () => {
    expect(eventOf('{"tags":["b","a","b"]}').tags).toEqual(['b', 'a']);
    expect(eventOf('{"tags":["b","a","b"]}').json).toMatch(/"archived_at":null,"tags":\["b","a"\]\}$/);
    expect(eventOf('{"tags":[]}').json).toMatch(/,"tags":\[\]\}$/);
  });

  test.each([
    ['"a"', 'list_type at /tags'],
    ['null', 'list_type at /tags'],
    ['["a",1]', 'string_type at /tags/1'],
    ['[""]', 'string_too_short at /tags/0'],
    [`["${'x'.repeat(201)}"]`, 'string_too_long at /tags/0'],
    ['["a\\n"]', 'value_error at /tags/0'],
    ['["\\ud800"]', 'string_unicode at /tags/0'],
    [JSON.stringify(Array.from({ length: 65 }, String)), 'too_long at /tags'],
  ])('%.40s: %s', (tags, fault) => {
    expect(faultsOf(`{"tags":${tags}}`)).toEqual([`shape: ${fault}`]);
  });
});

describe('M62 what a store could not give back', () => {
  test.each([
    ['{"_id":"\\ud800"}', 'string_unicode at /_id'],
    ['{"event_id":["\\ud800"],"event_data":"\\udfff"}', 'string_unicode at /event_data'],
    ['{"event_data":{"a":[1,{"b":"x\\ud800"}]}}', 'string_unicode at /event_data/a/1/b'],
    ['{"event_data":{"a\\u0000b":1}}', 'value_error at /event_data/a\0b'],
    ['{"event_data":{"\\udc00":1}}', 'string_unicode at /event_data/\udc00'],
    ['{"trace_id":"\\ud800"}', 'string_unicode at /trace_id'],
    ['{"span_id":"\\ud800"}', 'string_unicode at /span_id'],
  ])('%s: %s', (text, fault) => {
    expect(faultsOf(text)).toEqual([`shape: ${fault}`]);
  });

  test('in a source id without a ULID check', () => {
    expect(faultsOf('{"source":{"node_id":"\\ud800"}}', { allowAnySourceIds: true })).toEqual(['shape: string_unicode at /source/node_id']);
  });

  test.each(['"\\u0000"', '"C:\\\\users\\\\ud800\\\\u0000"', '{"k":"😀"}', '[123456789012345678901234567890]'])('%s is kept', (data) => {
    const { json } = eventOf(`{"event_data":${data}}`);
    expect(json).toContain(`"event_data":${data},`);
  });
});

describe('M27 refusals', () => {
  test.each([
    ['', 'shape: missing at /'],
    ['null', 'shape: missing at /'],
    ['[]', 'shape: model_attributes_type at /'],
    ['"x"', 'shape: model_attributes_type at /'],
    ['{', 'syntax: json_invalid at /1'],
    ['{"event_data":NaN}', 'shape: finite_number at /event_data'],
    ['{"source":null}', 'shape: model_attributes_type at /source'],
    ['{"archived_at":"x"}', 'shape: datetime_from_date_parsing at /archived_at'],
    ['{"event_timestamp":null}', 'shape: datetime_type at /event_timestamp'],
    ['{"trace_id":5}', 'shape: string_type at /trace_id'],
    [`{"event_id":"${'x'.repeat(8193)}"}`, 'shape: string_too_long at /event_id'],
    [`{"event_data":${'['.repeat(200)}${']'.repeat(200)}}`, 'limit: json_too_deep at /'],
  ])('%.40s: %s', (text, fault) => {
    expect(faultsOf(text)).toEqual([fault]);
  });

  test('a byte order mark is skipped', () => {
    expect(eventOf('\ufeff{}').id).toBe(NEW_ID);
  });

  test('what is no fault of the text is not answered as one', () => {
    const broken: EventDefaults = {
      ...fixedDefaults,
      newId: () => {
        throw new RangeError('out of ids');
      },
    };
    expect(() => normaliseEvent('{}', broken, DEFAULT_EVENT_LIMITS)).toThrow(RangeError);
  });
});

describe('properties', () => {
  const data = fc.json({ stringUnit: 'binary', noUnicodeString: false } as fc.JsonSharedConstraints);

  test('a stored text reads as itself, and is valid UTF-8', () => {
    fc.assert(
      fc.property(data, fc.string({ unit: 'grapheme' }), (json, id) => {
        const result = normaliseEvent(`{"_id":${JSON.stringify(id)},"event_data":${json}}`, fixedDefaults, DEFAULT_EVENT_LIMITS);
        if (!result.ok) return;
        expect(eventOf(result.event.json).json).toBe(result.event.json);
        expect(result.event.json.isWellFormed()).toBe(true);
        expect(stringifyExact(parseExact(result.event.json))).toBe(result.event.json);
      }),
    );
  });

  test('a parsed value is normalised as its text is', () => {
    fc.assert(
      fc.property(data, (json) => {
        const text = `{"event_data":${json}}`;
        const fromText = normaliseEvent(text, fixedDefaults, DEFAULT_EVENT_LIMITS);
        expect(normaliseEventValue(parseExact(text), fixedDefaults, DEFAULT_EVENT_LIMITS)).toEqual(fromText);
        expect(normaliseEventValue(parseExact(text), fixedDefaults, DEFAULT_EVENT_LIMITS, isPlain(text))).toEqual(fromText);
      }),
    );
  });
});
