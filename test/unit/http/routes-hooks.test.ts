import { beforeEach, describe, expect, test } from '@jest/globals';
import { HOOKS } from '../../../hooks/index.ts';
import { EngineError } from '../../../src/core/errors.ts';
import type { TriggerFiring, Triggers } from '../../../src/engine/triggers.ts';
import { hooksRoutes } from '../../../src/http/routes/hooks.ts';
import { HookList, HookView } from '../../../src/http/schemas/hook.ts';
import { call, refusal } from './routes-support.ts';

let fired: [string, TriggerFiring][];
const triggers: Triggers = {
  hooks: () => HOOKS,
  hook(name) {
    const found = HOOKS.find((hook) => hook.name === name);
    if (found === undefined) throw new EngineError('hook_not_found', name);
    return found;
  },
  async trigger(name, firing) {
    fired.push([name, firing]);
    return { id: firing.id ?? 'made', executionIds: ['made.1', 'made.2'], existing: false };
  },
};
const routes = hooksRoutes({ triggers });

beforeEach(() => {
  fired = [];
});

describe('GET /hooks', () => {
  test('B3 lists them with schema, sample and typings', async () => {
    const { status, json } = await call(routes, 'get /hooks');
    expect(status).toBe(200);
    const { items, next_cursor } = HookList.parse(json);
    expect(items.map(({ name, triggerable }) => [name, triggerable])).toEqual([
      ['event.on_ingest', false],
      ['event.on_alert', false],
      ['schedule.cron', false],
      ['execution.on_failure', false],
      ['ctingress.on_complete', true],
    ]);
    expect(next_cursor).toBeNull();
  });

  test('pages', async () => {
    const first = await call(routes, 'get /hooks', { query: { limit: '4' } });
    expect(first.json).toMatchObject({ next_cursor: 'execution.on_failure' });
    const second = await call(routes, 'get /hooks', { query: { cursor: 'execution.on_failure' } });
    expect(second.json).toMatchObject({ items: [{ name: 'ctingress.on_complete' }], next_cursor: null });
  });

  test('reads one, whose sample has all its digits', async () => {
    const { text, json } = await call(routes, 'get /hooks/:name', { params: { name: 'ctingress.on_complete' } });
    expect(HookView.strict().parse(json)).toMatchObject({
      kind: 'external',
      schema: { type: 'object', required: expect.arrayContaining(['DataSets']) },
    });
    expect(text).toContain('1591844539983333333');
  });

  test('has no other', async () => {
    expect((await refusal(call(routes, 'get /hooks/:name', { params: { name: 'x' } }))).code).toBe('hook_not_found');
  });
});

describe('POST /hooks/{name}/trigger', () => {
  const trigger = (body: string) => call(routes, 'post /hooks/:name/trigger', { params: { name: 'ctingress.on_complete' }, body });

  test('answers 202 with the executions', async () => {
    const { status, json } = await trigger('{"payload":{"a":1},"tags":["x"],"id":"one"}');
    expect([status, json]).toEqual([202, { id: 'one', execution_ids: ['made.1', 'made.2'] }]);
    expect(fired).toEqual([['ctingress.on_complete', { id: 'one', payload: '{"a":1}', tags: ['x'] }]]);
  });

  test('needs neither tags nor id', async () => {
    expect((await trigger('{"payload":{}}')).json).toMatchObject({ id: 'made' });
    expect(fired).toEqual([['ctingress.on_complete', { id: null, payload: '{}', tags: [] }]]);
  });

  test.each(['{"StartNs":1591844539983333333,"x":1.0,"10":1,"9":2}', 'null', '[1591844539983333333]', '"text"'])(
    'keeps the payload %s as it was written',
    async (payload) => {
      await trigger(`{"payload":${payload}}`);
      expect(fired[0]?.[1].payload).toBe(payload);
    },
  );

  test.each([
    { body: '{}', pointer: '/payload', why: 'no payload' },
    { body: '{"payload":{},"tag":["x"]}', pointer: '/tag', why: 'an unknown member' },
    { body: '{"payload":{},"tags":[""]}', pointer: '/tags/0', why: 'an empty tag' },
    { body: '{"payload":{},"id":""}', pointer: '/id', why: 'an empty id' },
    { body: '{"payload":{"a":1e999}}', pointer: '/payload/a', why: 'an infinite number' },
    { body: '[]', pointer: '', why: 'a list' },
  ])('refuses $why', async ({ body, pointer }) => {
    const { code, faults } = await refusal(trigger(body));
    expect([code, faults.map((fault) => fault.pointer)]).toEqual(['invalid_request', [pointer]]);
    expect(fired).toEqual([]);
  });

  test('needs events:write', () => {
    expect(routes.map(({ method, path, scope }) => [`${method} ${path}`, scope])).toEqual([
      ['get /hooks', 'handlers:read'],
      ['get /hooks/:name', 'handlers:read'],
      ['post /hooks/:name/trigger', 'events:write'],
    ]);
  });
});
