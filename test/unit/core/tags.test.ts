import { describe, expect, test } from '@jest/globals';
import { type ExactValue, OrderedObject } from '../../../src/core/json.ts';
import { eventTags, type Taggable } from '../../../src/core/tags.ts';

const bare: Taggable = { tags: [], type: 'log_info', level: 20, source: {} };

describe('tags of an event', () => {
  test('its own come first, then type and level', () => {
    expect(eventTags({ ...bare, tags: ['night-shift', 'demo'] })).toEqual(['night-shift', 'demo', 'log_info', 'level:info']);
  });

  test.each([
    [0, 'level:notset'],
    [10, 'level:debug'],
    [20, 'level:info'],
    [30, 'level:warning'],
    [40, 'level:error'],
    [50, 'level:critical'],
  ])('level %d is %s', (level, tag) => {
    expect(eventTags({ ...bare, level })).toContain(tag);
  });

  test('a level without a name makes no tag', () => {
    expect(eventTags({ ...bare, level: 25 })).toEqual(['log_info']);
  });

  test('owners become tags, but only those that handlers choose by', () => {
    const source = { node_id: 'N', workcell_id: 'W', workflow_id: 'F', experiment_id: 'E', user_id: 'U', manager_id: 'M' };
    expect(eventTags({ ...bare, source })).toEqual(['log_info', 'level:info', 'node:N', 'workcell:W', 'workflow:F', 'experiment:E']);
  });

  const orderedData = new OrderedObject(
    new Map<string, ExactValue>([
      ['1', 1],
      ['site', 'sgp'],
    ]),
  );

  test.each<{ data: ExactValue; tags: string[]; why: string }>([
    { data: { site: 'sgp' }, tags: ['site:sgp'], why: 'a short text' },
    { data: { site: '' }, tags: [], why: 'empty' },
    { data: { site: 'x'.repeat(100) }, tags: [`site:${'x'.repeat(100)}`], why: 'the longest' },
    { data: { site: 'x'.repeat(101) }, tags: [], why: 'too long' },
    { data: { site: 7 }, tags: [], why: 'no text' },
    { data: orderedData, tags: ['site:sgp'], why: 'an object with integer-like keys' },
    { data: { other: 'sgp' }, tags: [], why: 'no site' },
    { data: ['site'], tags: [], why: 'a list' },
    { data: 'site', tags: [], why: 'a text' },
    { data: null, tags: [], why: 'null' },
  ])('site of event_data: $why', ({ data, tags }) => {
    expect(eventTags({ ...bare, data }).filter((tag) => tag.startsWith('site:'))).toEqual(tags);
  });

  test('none comes twice', () => {
    expect(eventTags({ ...bare, tags: ['level:info', 'x', 'x', 'log_info'] })).toEqual(['level:info', 'x', 'log_info']);
  });
});
