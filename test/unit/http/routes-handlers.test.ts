import { beforeEach, describe, expect, test } from '@jest/globals';
import { EngineError } from '../../../src/core/errors.ts';
import type { Handler, HandlerState, HandlerVersion } from '../../../src/core/handler.ts';
import type { HandlerRegistration, HandlerRegistry } from '../../../src/engine/handlers.ts';
import { handlersRoutes } from '../../../src/http/routes/handlers.ts';
import { HandlerDetail, HandlerList, HandlerVersionList, HandlerWithCode } from '../../../src/http/schemas/handler.ts';
import { CALLER, call, refusal } from './routes-support.ts';

const AT = Date.UTC(2026, 2, 1, 12, 30, 15, 250);
const NEXT = Array.from({ length: 7 }, (_, n) => Date.UTC(2026, 2, 2 + n, 6, 30));

function handlerOf(id: number, { hook, name, enabled, ...source }: HandlerRegistration): Handler {
  const version: HandlerVersion = { ...source, version: 0, javascript: 'js', createdAt: AT, createdBy: 'allen', keyId: 'k' };
  return {
    id,
    hook,
    name,
    enabled: enabled ?? true,
    createdAt: AT,
    createdBy: 'allen',
    updatedAt: AT,
    updatedBy: 'allen',
    current: version,
  };
}

/** The registry as the routes see it: notes what it is asked, keeps handlers in a list. */
let registered: HandlerRegistration[];
let known: Handler[];
let asked: unknown[];
let state: HandlerState;

const get = (id: number): Handler => {
  const found = known.find((handler) => handler.id === id);
  if (found === undefined) throw new EngineError('handler_not_found', `No handler ${id}`);
  return found;
};
const registry: HandlerRegistry = {
  async register(registration) {
    registered.push(registration);
    const replaced = known.find(({ name }) => name === registration.name);
    const handler = replaced ?? handlerOf(known.length + 1, registration);
    if (replaced === undefined) known.push(handler);
    return { handler, replaced: replaced !== undefined };
  },
  list: (hook) => known.filter((handler) => hook === null || handler.hook === hook),
  get,
  stateOf: () => state,
  async setEnabled(id, enabled, caller) {
    asked.push(['setEnabled', id, enabled, caller.name]);
    return { ...get(id), enabled };
  },
  async versions(id) {
    const { current } = get(id);
    return [2, 1, 0].map((version) => ({ ...current, version }));
  },
  async rollback(id, version, caller) {
    asked.push(['rollback', id, version, caller.name]);
    return get(id);
  },
  async deregister(id, caller) {
    asked.push(['deregister', get(id).id, caller.name]);
  },
};
const schedules = {
  nextRuns: ({ current }: Handler, count: number) => (current.schedule === undefined ? [] : NEXT.slice(0, count)),
  async runNow(id: number) {
    asked.push(['runNow', get(id).id]);
    return { id: 'fired', executionIds: [`fired.${id}`] };
  },
};
const routes = handlersRoutes({ handlers: registry, schedules });
const MINIMAL = { hook: 'event.on_ingest', name: 'check', code: 'export default () => 1' };
const post = (body: object | string) => call(routes, 'post /handlers', { body: typeof body === 'string' ? body : JSON.stringify(body) });

beforeEach(() => {
  registered = [];
  known = [];
  asked = [];
  state = 'enabled';
});

describe('POST /handlers', () => {
  test('takes hook, name and code, and gives the rest its defaults', async () => {
    const { status, json, headers } = await post(MINIMAL);
    expect([status, headers]).toEqual([201, { Location: '/handlers/1' }]);
    expect(registered).toEqual([
      {
        ...MINIMAL,
        language: 'typescript',
        tags: [],
        filter: '{}',
        config: '{}',
        notifyOnSuccess: null,
        notifyOnFailure: null,
        timeoutMs: 10_000,
        memoryMb: 64,
        retry: { maxAttempts: 3, backoff: { firstMs: 1_000, factor: 4, maxMs: 3_600_000 }, maxAgeMs: null },
        concurrency: 1,
        orderingKey: null,
        enabled: null,
      },
    ]);
    expect(json).toEqual({
      id: 1,
      version: 0,
      hook: 'event.on_ingest',
      name: 'check',
      state: 'enabled',
      enabled: true,
      next_run_at: null,
      next_runs: [],
      language: 'typescript',
      tags: [],
      filter: {},
      notify_on_success: null,
      notify_on_failure: null,
      config: {},
      limits: { timeout_ms: 10_000, memory_mb: 64 },
      retry: { max_attempts: 3, backoff: { first_ms: 1_000, factor: 4, max_ms: 3_600_000 }, max_age_ms: null },
      concurrency: 1,
      ordering_key: null,
      schedule: null,
      created_at: '2026-03-01T12:30:15.250Z',
      created_by: 'allen',
      updated_at: '2026-03-01T12:30:15.250Z',
      updated_by: 'allen',
    });
    expect(() => HandlerDetail.strict().parse(json)).not.toThrow();
  });

  test('takes all members', async () => {
    await post({
      ...MINIMAL,
      language: 'javascript',
      tags: ['a', 'b', 'a'],
      filter: { x: 1 },
      notify_on_success: 's@example.org',
      notify_on_failure: 'f@example.org',
      config: { deep: [1, { a: null }] },
      limits: { timeout_ms: 500 },
      retry: { max_attempts: 1, backoff: { factor: 1.5 }, max_age_ms: 60_000 },
      concurrency: 8,
      ordering_key: 'source.node_id',
      enabled: false,
    });
    expect(registered).toEqual([
      {
        ...MINIMAL,
        language: 'javascript',
        tags: ['a', 'b'],
        filter: '{"x":1}',
        config: '{"deep":[1,{"a":null}]}',
        notifyOnSuccess: 's@example.org',
        notifyOnFailure: 'f@example.org',
        timeoutMs: 500,
        memoryMb: 64,
        retry: { maxAttempts: 1, backoff: { firstMs: 1_000, factor: 1.5, maxMs: 3_600_000 }, maxAgeMs: 60_000 },
        concurrency: 8,
        orderingKey: 'source.node_id',
        enabled: false,
      },
    ]);
  });

  test('loses no digit of filter and config, on the way in and out', async () => {
    const numbers = '{"ns":1591844539983333333,"float":1.0,"10":1,"9":2}';
    const { text } = await post(`{"hook":"event.on_ingest","name":"check","code":"x","filter":${numbers},"config":${numbers}}`);
    expect(registered).toMatchObject([{ filter: numbers, config: numbers }]);
    expect(text).toContain(`"filter":${numbers}`);
    expect(text).toContain(`"config":${numbers}`);
  });

  test('answers 200 when it replaces', async () => {
    await post(MINIMAL);
    expect((await post(MINIMAL)).status).toBe(200);
  });

  test('takes a schedule, and shows when it runs', async () => {
    const { json } = await post({ ...MINIMAL, hook: 'schedule.cron', schedule: { cron: '30 7 * * *', timezone: 'Europe/Berlin' } });
    expect(registered).toMatchObject([{ schedule: { cron: '30 7 * * *', timezone: 'Europe/Berlin' } }]);
    expect(json).toMatchObject({ schedule: { cron: '30 7 * * *', timezone: 'Europe/Berlin' }, next_run_at: '2026-03-02T06:30:00.000Z' });
    expect((json as { next_runs: string[] }).next_runs).toEqual(
      ['02', '03', '04', '05', '06'].map((day) => `2026-03-${day}T06:30:00.000Z`),
    );
    expect(() => HandlerDetail.strict().parse(json)).not.toThrow();
  });

  test('reads a schedule without a time zone in UTC', async () => {
    await post({ ...MINIMAL, hook: 'schedule.cron', schedule: { cron: '@daily' } });
    expect(registered).toMatchObject([{ schedule: { cron: '@daily', timezone: 'UTC' } }]);
  });

  test('B10 registers with the key of the caller', async () => {
    const callers: unknown[] = [];
    const noting: HandlerRegistry = {
      ...registry,
      register(registration, caller) {
        callers.push(caller);
        return registry.register(registration, caller);
      },
    };
    await call(handlersRoutes({ handlers: noting, schedules }), 'post /handlers', { body: JSON.stringify(MINIMAL) });
    expect(callers).toEqual([CALLER]);
  });

  test.each([
    { change: { name: undefined }, pointer: '/name', why: 'no name' },
    { change: { schedule: { cron: '* * * * *\n' } }, pointer: '/schedule/cron', why: 'a line end in the schedule' },
    { change: { schedule: { cron: '' } }, pointer: '/schedule/cron', why: 'an empty schedule' },
    { change: { schedule: { timezone: 'UTC' } }, pointer: '/schedule/cron', why: 'a schedule without cron' },
    { change: { schedule: { cron: '* * * * *', timezone: 7 } }, pointer: '/schedule/timezone', why: 'a number as time zone' },
    { change: { schedule: { cron: '* * * * *', tz: 'UTC' } }, pointer: '/schedule/tz', why: 'an unknown member of the schedule' },
    { change: { hook: '' }, pointer: '/hook', why: 'an empty hook' },
    { change: { name: 'a\nb' }, pointer: '/name', why: 'a line end in the name' },
    { change: { name: 'a\u2028b' }, pointer: '/name', why: 'a line separator in the name' },
    { change: { name: 'x'.repeat(201) }, pointer: '/name', why: 'a long name' },
    { change: { code: '' }, pointer: '/code', why: 'no code' },
    { change: { code: 'x'.repeat(262_145) }, pointer: '/code', why: 'too much code' },
    { change: { code: 7 }, pointer: '/code', why: 'code of another type' },
    { change: { code: '"\ud800"' }, pointer: '/code', why: 'half a character in the code' },
    { change: { language: 'python' }, pointer: '/language', why: 'another language' },
    { change: { tags: 'a' }, pointer: '/tags', why: 'tags of another type' },
    { change: { tags: ['ok', ''] }, pointer: '/tags/1', why: 'an empty tag' },
    { change: { tags: Array.from({ length: 65 }, () => 'a') }, pointer: '/tags', why: 'too many tags' },
    { change: { filter: [] }, pointer: '/filter', why: 'a filter that is a list' },
    { change: { filter: null }, pointer: '/filter', why: 'a filter that is null' },
    { change: { config: 'x' }, pointer: '/config', why: 'a config that is a text' },
    { change: { notify_on_success: 7 }, pointer: '/notify_on_success', why: 'an address of another type' },
    { change: { limits: { timeout_ms: 9 } }, pointer: '/limits/timeout_ms', why: 'a timeout below its bound' },
    { change: { limits: { timeout_ms: 300_001 } }, pointer: '/limits/timeout_ms', why: 'a timeout beyond its bound' },
    { change: { limits: { memory_mb: 1_024 } }, pointer: '/limits/memory_mb', why: 'memory beyond its bound' },
    { change: { limits: { memory_mb: 8.5 } }, pointer: '/limits/memory_mb', why: 'a fraction of memory' },
    { change: { retry: { max_attempts: 0 } }, pointer: '/retry/max_attempts', why: 'no attempt' },
    { change: { retry: { backoff: { factor: 0.5 } } }, pointer: '/retry/backoff/factor', why: 'a backoff that speeds up' },
    { change: { concurrency: 0 }, pointer: '/concurrency', why: 'no concurrency' },
    { change: { ordering_key: 'a..b' }, pointer: '/ordering_key', why: 'a path with an empty part' },
    { change: { enabled: 'yes' }, pointer: '/enabled', why: 'a text for a switch' },
  ])('refuses $why', async ({ change, pointer }) => {
    const error = await refusal(post({ ...MINIMAL, ...change }));
    expect(error.code).toBe('invalid_request');
    expect(error.faults.map((fault) => fault.pointer)).toEqual([pointer]);
    expect(registered).toEqual([]);
  });

  test.each([
    { extra: { tag: ['a'] }, pointer: '/tag', meant: 'tags' },
    { extra: { notify_on_sucess: 'a' }, pointer: '/notify_on_sucess', meant: 'notify_on_success' },
    { extra: { orderingKey: 'a' }, pointer: '/orderingKey', meant: 'ordering_key' },
    { extra: { limits: { timeout: 5 } }, pointer: '/limits/timeout', meant: 'timeout_ms' },
    { extra: { retry: { backoff: { 'first-ms': 5 } } }, pointer: '/retry/backoff/first-ms', meant: 'first_ms' },
  ])('refuses the unknown member $pointer and names $meant', async ({ extra, pointer, meant }) => {
    const { faults } = await refusal(post({ ...MINIMAL, ...extra }));
    expect(faults).toEqual([{ pointer, detail: `There is no such member: did you mean ${meant}?` }]);
  });

  test('refuses an unknown member that is like none, and lists those there are', async () => {
    const { faults } = await refusal(post({ ...MINIMAL, wanted: '* * * * *', ['x'.repeat(100)]: 1 }));
    expect(faults.map(({ pointer }) => pointer)).toEqual(['/wanted', `/${'x'.repeat(100)}`]);
    expect(faults[0]?.detail).toMatch(/^There is no such member; there are hook, name, code, /);
  });

  test.each([
    { body: `{"hook":"h","name":"n","code":"c","config":{"a":[1,1e999]}}`, pointer: '/config/a/1', why: 'an infinite number' },
    { body: `{"hook":"h","name":"n","code":"c","config":{"a":${'['.repeat(300)}${']'.repeat(300)}}}`, pointer: '', why: 'a nest' },
  ])('refuses $why, which JSON.parse takes', async ({ body, pointer }) => {
    const { code, faults } = await refusal(post(body));
    expect([code, faults.map((fault) => fault.pointer)]).toEqual(['invalid_request', [pointer]]);
  });
});

describe('GET /handlers', () => {
  test('lists none as an empty page', async () => {
    expect((await call(routes, 'get /handlers')).text).toBe('{"items":[],"next_cursor":null}');
  });

  test('pages by id, without code, also when the last one seen has gone', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await post({ ...MINIMAL, name });
    const first = await call(routes, 'get /handlers', { query: { limit: '2' } });
    expect(first.json).toMatchObject({ items: [{ id: 1 }, { id: 2 }], next_cursor: '2' });
    expect(first.text).not.toContain('"code"');
    expect(() => HandlerList.parse(first.json)).not.toThrow();
    known = known.filter(({ id }) => id !== 2);
    const second = await call(routes, 'get /handlers', { query: { limit: '2', cursor: '2' } });
    expect(second.json).toMatchObject({ items: [{ id: 3 }, { id: 4 }], next_cursor: null });
  });

  test('narrows by hook and by name', async () => {
    await post({ ...MINIMAL, name: 'a' });
    await post({ ...MINIMAL, name: 'b', hook: 'event.on_alert' });
    const names = async (query: Record<string, string>) =>
      HandlerList.parse((await call(routes, 'get /handlers', { query })).json).items.map(({ name }) => name);
    expect(await names({ hook: 'event.on_alert' })).toEqual(['b']);
    expect(await names({ name: 'a' })).toEqual(['a']);
    expect(await names({ name: 'a', hook: 'event.on_alert' })).toEqual([]);
  });

  test.each([
    [{ limit: '0' }, 'invalid_request'],
    [{ limit: '1001' }, 'invalid_request'],
    [{ limit: '-1' }, 'invalid_request'],
    [{ limit: '1e2' }, 'invalid_request'],
    [{ cursor: 'x' }, 'cursor_invalid'],
    [{ cursor: '' }, 'invalid_request'],
  ])('refuses %j as %s', async (query, code) => {
    expect((await refusal(call(routes, 'get /handlers', { query }))).code).toBe(code);
  });
});

describe('one handler', () => {
  beforeEach(() => post(MINIMAL).then(() => {}));

  test('is read with its code', async () => {
    const { status, json } = await call(routes, 'get /handlers/:id', { params: { id: '1' } });
    expect([status, json]).toMatchObject([200, { id: 1, code: MINIMAL.code }]);
    expect(() => HandlerWithCode.strict().parse(json)).not.toThrow();
  });

  test('is shown as suspended, and whether it is switched on', async () => {
    state = 'suspended';
    const { json } = await call(routes, 'get /handlers/:id', { params: { id: '1' } });
    expect(json).toMatchObject({ state: 'suspended', enabled: true });
  });

  test('is switched', async () => {
    const { status, json } = await call(routes, 'patch /handlers/:id', { params: { id: '1' }, body: '{"enabled":false}' });
    expect([status, json]).toMatchObject([200, { id: 1, enabled: false }]);
    expect(asked).toEqual([['setEnabled', 1, false, 'allen']]);
  });

  test.each(['{}', '{"enabled":null}', '{"enabled":true,"name":"x"}', '[]', 'null'])('is not switched by %s', async (body) => {
    expect((await refusal(call(routes, 'patch /handlers/:id', { params: { id: '1' }, body }))).code).toBe('invalid_request');
  });

  test('lists its versions with their code, page by page', async () => {
    const first = await call(routes, 'get /handlers/:id/versions', { params: { id: '1' }, query: { limit: '2' } });
    expect(first.json).toMatchObject({ items: [{ version: 2, code: MINIMAL.code }, { version: 1 }], next_cursor: '1' });
    expect(() => HandlerVersionList.parse(first.json)).not.toThrow();
    const rest = await call(routes, 'get /handlers/:id/versions', { params: { id: '1' }, query: { cursor: '1' } });
    expect(rest.json).toMatchObject({ items: [{ version: 0 }], next_cursor: null });
    const strange = call(routes, 'get /handlers/:id/versions', { params: { id: '1' }, query: { cursor: '7' } });
    expect((await refusal(strange)).code).toBe('cursor_invalid');
  });

  test('is run by hand', async () => {
    const { status, json } = await call(routes, 'post /handlers/:id/run', { params: { id: '1' } });
    expect([status, json]).toEqual([202, { id: 'fired', execution_ids: ['fired.1'] }]);
    expect(asked).toEqual([['runNow', 1]]);
  });

  test.each([
    { body: undefined, version: null },
    { body: '{}', version: null },
    { body: '{"version":0}', version: 0 },
  ])('is rolled back by $body to $version', async ({ body, version }) => {
    const input = body === undefined ? {} : { body };
    expect((await call(routes, 'post /handlers/:id/rollback', { params: { id: '1' }, ...input })).status).toBe(200);
    expect(asked).toEqual([['rollback', 1, version, 'allen']]);
  });

  test('is not rolled back to less than the first version', async () => {
    const error = await refusal(call(routes, 'post /handlers/:id/rollback', { params: { id: '1' }, body: '{"version":-1}' }));
    expect(error.faults).toMatchObject([{ pointer: '/version' }]);
  });

  test('B7 is deregistered', async () => {
    expect(await call(routes, 'delete /handlers/:id', { params: { id: '1' } })).toMatchObject({ status: 204, text: '' });
    expect(asked).toEqual([['deregister', 1, 'allen']]);
  });

  test.each([
    ['9', 'handler_not_found'],
    ['x', 'invalid_request'],
    ['-1', 'invalid_request'],
    ['1.0', 'invalid_request'],
    ['99999999999', 'invalid_request'],
  ])('is not found by %s: %s', async (id, code) => {
    expect((await refusal(call(routes, 'get /handlers/:id', { params: { id } }))).code).toBe(code);
  });
});

test.each([
  ['post /handlers', 'handlers:write'],
  ['get /handlers', 'handlers:read'],
  ['get /handlers/:id', 'handlers:read'],
  ['patch /handlers/:id', 'handlers:write'],
  ['delete /handlers/:id', 'handlers:write'],
  ['get /handlers/:id/versions', 'handlers:read'],
  ['post /handlers/:id/rollback', 'handlers:write'],
])('%s needs %s', (name, scope) => {
  expect(routes.find(({ method, path }) => `${method} ${path}` === name)).toMatchObject({ scope });
});
