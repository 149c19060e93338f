import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ADMIN_KEY, api, type ServerProcess, startServer } from '../support/server.ts';
import { detail, ended, register, request } from './steps.ts';

const HOOK = 'ctingress.on_complete';
const CODE = `export default async (report) => {
  const [stream] = report.DataSets[0].Streams;
  return { type: typeof stream.EndNs, end: stream.EndNs, next: stream.EndNs + 1n, lasted: stream.EndNs - stream.StartNs };
};`;
const REPORT =
  '{"DataSets":[{"Error":"","Name":"/DFR 1/a.cfg","Streams":[{"StartNs":1591844350000000001,"EndNs":1591844539983333333,' +
  '"ProcessedAtNs":0,"Uuid":"585cc764-3c80-5d3f-a7d7-59d48abbab0b"}],"Success":true}],"File":"a.zip","RequestID":"r-1",' +
  '"SubmittedAt":"2020-10-29T21:58:15.09246084Z","gain":1.0}';

describe('triggers', () => {
  let server: ServerProcess;
  let handler: number;
  beforeAll(async () => {
    server = await startServer();
    handler = await register(server, { hook: HOOK, name: 'streams', code: CODE, tags: ['transform'] });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  async function fire(rest: string): Promise<{ id: string; execution_ids: string[] }> {
    const { status, text } = await request(server, 'POST', `/hooks/${HOOK}/trigger`, {
      key: ADMIN_KEY,
      body: `{"payload":${REPORT}${rest}}`,
    });
    expect({ status, text }).toMatchObject({ status: 202 });
    return JSON.parse(text);
  }

  test('B11 64-bit integers reach the handler and come back to the digit', async () => {
    const { id, execution_ids } = await fire(',"tags":["transform"]');
    expect(await ended(server, handler, id)).toMatchObject({ id: execution_ids[0], state: 'succeeded', hook: HOOK });
    const { text } = await request(server, 'GET', `/executions/${encodeURIComponent(execution_ids[0] as string)}`, { key: ADMIN_KEY });
    expect(text).toContain('"output":{"type":"bigint","end":1591844539983333333,"next":1591844539983333334,"lasted":189983333332}');
    expect(text).toContain(`"input":${REPORT}`);
  });

  test('B8 tags choose among the handlers, no tags run all of them', async () => {
    const other = await register(server, { hook: HOOK, name: 'other', code: CODE, tags: ['archive'] });
    const always = await register(server, { hook: HOOK, name: 'always', code: CODE });
    const handlersOf = async (rest: string): Promise<number[]> => {
      const { execution_ids } = await fire(rest);
      return (await Promise.all(execution_ids.map((id) => detail(server, id)))).map(({ handler_id }) => handler_id).sort();
    };
    expect(await handlersOf(',"tags":["archive"]')).toEqual([other, always]);
    expect(await handlersOf(',"tags":["nobody"]')).toEqual([always]);
    expect(await handlersOf('')).toEqual([handler, other, always]);
  });

  test('the same id again makes no second execution', async () => {
    const first = await fire(',"id":"upload-17","tags":["transform"]');
    expect(await fire(',"id":"upload-17","tags":["transform"]')).toEqual(first);
    expect(first.id).toBe('upload-17');
  });

  test('a payload that is not the report of the hook is refused with the place, and events cannot be triggered', async () => {
    const refused = await api(server, 'POST', `/hooks/${HOOK}/trigger`, { payload: { File: 'a.zip' } });
    expect(refused).toMatchObject({ status: 422, body: { code: 'invalid_request' } });
    expect(refused.body.errors.map(({ pointer }: { pointer: string }) => pointer)).toContain('/payload/DataSets');
    const event = await api(server, 'POST', '/hooks/event.on_ingest/trigger', { payload: {} });
    expect(event).toMatchObject({ status: 409, body: { code: 'hook_not_triggerable' } });
  });
});
