import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Delivery } from '../../../src/core/delivery.ts';
import { EngineError } from '../../../src/core/errors.ts';
import type { Executions } from '../../../src/engine/executions.ts';
import { deliveriesRoutes } from '../../../src/http/routes/deliveries.ts';
import { executionsRoutes } from '../../../src/http/routes/executions.ts';
import { DeliveryDetail, DeliveryList } from '../../../src/http/schemas/delivery.ts';
import { ExecutionDetail, ExecutionList } from '../../../src/http/schemas/execution.ts';
import type { DeliveryStore } from '../../../src/ports/delivery-store.ts';
import type { ExecutionRecord } from '../../../src/ports/queue.ts';
import { call, refusal } from './routes-support.ts';

const AT = Date.UTC(2026, 2, 1);
const ERROR = { reason: 'thrown', message: 'no', line: 3, column: null } as const;

const EXECUTION: ExecutionRecord = {
  id: 'e/1 ü.7',
  handlerId: 7,
  handlerVersion: 2,
  hook: 'event.on_ingest',
  eventId: 'e/1 ü',
  state: 'succeeded',
  attempt: 2,
  createdAt: AT,
  runAt: AT,
  startedAt: AT + 1_000.25,
  finishedAt: AT + 1_012.8754,
  input: '{"n":1591844539983333333,"x":1.0}',
  output: '[1591844539983333333]',
  logs: [{ level: 'info', message: 'seen', at: AT + 5 }],
  error: null,
  attempts: [
    { attempt: 1, startedAt: null, finishedAt: AT + 500, outcome: ERROR },
    { attempt: 2, startedAt: AT + 1_000.25, finishedAt: AT + 1_012.8754, outcome: 'succeeded' },
  ],
};

let asked: unknown[];
const executions: Executions = {
  async get(id) {
    if (id !== EXECUTION.id) throw new EngineError('execution_not_found', `No execution ${id}`);
    return EXECUTION;
  },
  async list(filter, page) {
    asked.push(filter, page);
    return { items: [{ ...EXECUTION, state: 'dead', error: ERROR, input: null, output: null }], nextCursor: 'more' };
  },
  async cancel(id) {
    asked.push(['cancel', id]);
    return { ...EXECUTION, state: 'canceled' };
  },
  async replay(id) {
    asked.push(['replay', id]);
    return { ...EXECUTION, state: 'pending', output: null, startedAt: null, finishedAt: null };
  },
};
const routes = executionsRoutes({ executions });

beforeEach(() => {
  asked = [];
});

describe('GET /executions/{id}', () => {
  test('answers all of it, with input and output to the last digit', async () => {
    const { status, text, json } = await call(routes, 'get /executions/:id', { params: { id: EXECUTION.id } });
    expect(status).toBe(200);
    expect(text).toContain(`"input":${EXECUTION.input},"output":${EXECUTION.output},`);
    expect(() => ExecutionDetail.strict().parse(json)).not.toThrow();
    expect(json).toMatchObject({
      id: 'e/1 ü.7',
      handler_id: 7,
      handler_version: 2,
      event_id: 'e/1 ü',
      state: 'succeeded',
      attempt: 2,
      created_at: '2026-03-01T00:00:00.000Z',
      started_at: '2026-03-01T00:00:01.000Z',
      finished_at: '2026-03-01T00:00:01.012Z',
      duration_ms: 12.625,
      error: null,
      logs: [{ level: 'info', message: 'seen', at: '2026-03-01T00:00:00.005Z' }],
      attempts: [
        { attempt: 1, outcome: 'failed', started_at: null, finished_at: '2026-03-01T00:00:00.500Z', duration_ms: null, error: ERROR },
        { attempt: 2, outcome: 'succeeded', duration_ms: 12.625, error: null },
      ],
    });
  });

  test('has no other', async () => {
    expect((await refusal(call(routes, 'get /executions/:id', { params: { id: 'x' } }))).code).toBe('execution_not_found');
  });
});

describe('GET /executions', () => {
  test('answers a page without what is large', async () => {
    const { json } = await call(routes, 'get /executions');
    expect(ExecutionList.parse(json)).toMatchObject({ items: [{ state: 'dead', error: ERROR }], next_cursor: 'more' });
    expect(Object.keys(ExecutionList.parse(json).items[0] ?? {})).not.toEqual(expect.arrayContaining(['input']));
    expect(asked).toEqual([{}, { limit: 100, cursor: null }]);
  });

  test('narrows', async () => {
    const query = {
      handler_id: '7',
      event_id: 'e',
      state: 'dead',
      hook: 'h',
      since: '2026-03-01',
      until: '2026-03-01T01:00:00+01:00',
      limit: '5',
      cursor: 'c',
    };
    await call(routes, 'get /executions', { query });
    expect(asked).toEqual([
      { handlerId: 7, eventId: 'e', state: 'dead', hook: 'h', since: AT, until: AT },
      { limit: 5, cursor: 'c' },
    ]);
  });

  test.each([
    ['2026-03-01T00:00:00Z', AT],
    ['2026-03-01T00:00:00.250Z', AT + 250],
    ['2026-03-01T00:00:00,25z', AT + 250],
    ['2026-03-01 00:00', AT],
    ['2026-03-01T00:00:00', AT],
    ['2026-02-28T22:30:00-01:30', AT],
    ['2026-03-01T00:00:00.123456789Z', AT + 123],
  ])('reads %s as an instant', async (since, at) => {
    await call(routes, 'get /executions', { query: { since } });
    expect(asked[0]).toEqual({ since: at });
  });

  test.each([
    { query: { since: 'yesterday' }, parameter: 'since' },
    { query: { since: '2026-13-01' }, parameter: 'since' },
    { query: { until: '1740787200' }, parameter: 'until' },
    { query: { until: '' }, parameter: 'until' },
    { query: { state: 'failed' }, parameter: 'state' },
    { query: { handler_id: 'x' }, parameter: 'handler_id' },
    { query: { event_id: '' }, parameter: 'event_id' },
    { query: { limit: '5000' }, parameter: 'limit' },
  ])('refuses $query', async ({ query, parameter }) => {
    const { code, faults } = await refusal(call(routes, 'get /executions', { query }));
    expect([code, faults.map(({ pointer }) => pointer)]).toEqual(['invalid_request', [parameter]]);
  });
});

describe('steering', () => {
  test.each([
    ['cancel', 'canceled'],
    ['replay', 'pending'],
  ])('%s answers the execution as it is now', async (verb, state) => {
    const { status, json } = await call(routes, `post /executions/:id/${verb}`, { params: { id: EXECUTION.id } });
    expect([status, json]).toMatchObject([200, { id: EXECUTION.id, state }]);
    expect(asked).toEqual([[verb, EXECUTION.id]]);
    expect(() => ExecutionDetail.strict().parse(json)).not.toThrow();
  });

  test('needs executions:write, reading handlers:read', () => {
    expect(routes.map(({ scope }) => scope)).toEqual(['handlers:read', 'handlers:read', 'executions:write', 'executions:write']);
  });
});

describe('deliveries', () => {
  const MAIL: Delivery = {
    id: 'e.7/success',
    executionId: 'e.7',
    kind: 'success',
    to: 'lab@example.org',
    subject: 'check: done',
    text: 'ok',
    html: null,
    messageId: 'm@example.org',
    createdAt: AT,
    state: 'sent',
    attempts: 1,
    nextAt: null,
    lastError: null,
    sentAt: AT + 1,
  };
  const unused = (): never => {
    throw new Error('not for routes');
  };
  const store: DeliveryStore = {
    due: unused,
    nextDueAt: unused,
    waiting: unused,
    record: unused,
    resend: unused,
    get: async (id) => (id === MAIL.id ? MAIL : null),
    async list(filter, page) {
      asked.push(filter, page);
      return { items: [MAIL], nextCursor: null };
    },
  };
  let outcome: 'requeued' | 'pending' | 'absent' = 'requeued';
  const mails = deliveriesRoutes({ deliveries: store, resend: async () => outcome });

  test('are listed without their texts', async () => {
    const { json } = await call(mails, 'get /deliveries', { query: { execution_id: 'e.7', state: 'sent' } });
    expect(DeliveryList.parse(json)).toEqual({
      items: [
        {
          id: 'e.7/success',
          execution_id: 'e.7',
          to: 'lab@example.org',
          kind: 'success',
          subject: 'check: done',
          state: 'sent',
          attempts: 1,
          last_error: null,
          message_id: 'm@example.org',
          created_at: '2026-03-01T00:00:00.000Z',
          next_at: null,
          sent_at: '2026-03-01T00:00:00.001Z',
        },
      ],
      next_cursor: null,
    });
    expect(asked).toEqual([
      { executionId: 'e.7', state: 'sent' },
      { limit: 100, cursor: null },
    ]);
    await call(mails, 'get /deliveries');
    expect(asked[2]).toEqual({});
  });

  test('are read with their texts', async () => {
    const { json } = await call(mails, 'get /deliveries/:id', { params: { id: MAIL.id } });
    expect(DeliveryDetail.strict().parse(json)).toMatchObject({ text: 'ok', html: null, attachments: [] });
    expect((await refusal(call(mails, 'get /deliveries/:id', { params: { id: 'x' } }))).code).toBe('delivery_not_found');
  });

  test('are sent again', async () => {
    outcome = 'requeued';
    expect(await call(mails, 'post /deliveries/:id/resend', { params: { id: MAIL.id } })).toMatchObject({
      status: 200,
      json: { id: MAIL.id },
    });
  });

  test.each([
    ['pending', 'delivery_not_resendable'],
    ['absent', 'delivery_not_found'],
  ] as const)('are not sent again when %s: %s', async (result, code) => {
    outcome = result;
    expect((await refusal(call(mails, 'post /deliveries/:id/resend', { params: { id: MAIL.id } }))).code).toBe(code);
  });

  test('refuse strange states', async () => {
    const { faults } = await refusal(call(mails, 'get /deliveries', { query: { state: 'lost' } }));
    expect(faults).toMatchObject([{ pointer: 'state' }]);
  });

  test('need the scopes of executions', () => {
    expect(mails.map(({ scope }) => scope)).toEqual(['handlers:read', 'handlers:read', 'executions:write']);
  });
});
