import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { isolateSandbox } from '../../src/adapters/isolate/sandbox.ts';
import type { Effect } from '../../src/core/execution.ts';
import type { HostCalls, Language, Sandbox } from '../../src/ports/sandbox.ts';
import { checkForLeaks } from '../support/leaks.ts';
import {
  type BatchParts,
  echoHost,
  errorOf,
  executionsOf,
  handlerOf,
  outputOf,
  runBatch,
  runOne,
  survivors,
} from '../support/sandbox-fixture.ts';

const store: Record<string, unknown> = { stored: 5, text: 'a' };
let sandbox: Sandbox;
beforeAll(() => {
  sandbox = isolateSandbox({ runners: 2, host: echoHost(store), log: () => {} });
});
afterAll(async () => {
  const pids = sandbox.runners.map(({ pid }) => pid);
  await sandbox[Symbol.asyncDispose]();
  expect(await survivors(pids)).toEqual([]);
});

const body = (code: string) => handlerOf(`export default async (event, ctx) => { ${code} };`);
const run = (code: string, parts: Partial<BatchParts> = {}) => runOne(sandbox, { handler: body(code), ...parts });

async function effectsOf(code: string): Promise<Effect[]> {
  const outcome = await run(code);
  if (outcome.kind === 'failed') throw new Error(outcome.error.message);
  return outcome.effects;
}

/** Looks until there is something to see. */
async function until<T>(look: () => T | undefined): Promise<T> {
  for (;;) {
    const seen = look();
    if (seen !== undefined) return seen;
    await wait(10);
  }
}

describe('compile', () => {
  test('strips types and keeps every position', async () => {
    const code = 'const x: number = 1;\nexport default async function (event: { a: string }): Promise<number> { return x; }';
    const result = await sandbox.compile({ code, language: 'typescript' });
    expect(result).toMatchObject({ ok: true, javascript: expect.not.stringContaining('number') });
    if (result.ok) expect(result.javascript).toHaveLength(code.length);
  });

  test.each<{ why: string; code: string; language?: Language; message: RegExp; line: number | null; column: number | null }>([
    { why: 'a type that does not parse', code: '\nconst x: = 1;\nexport default () => x;', message: /./, line: 2, column: 10 },
    { why: 'an enum', code: 'export default () => 1;\nenum A { B }', message: /enum is not supported/, line: 2, column: 1 },
    {
      why: 'broken JavaScript',
      code: 'export default () => {\n  retrun 1;\n};',
      language: 'javascript',
      message: /Unexpected number/,
      line: 2,
      column: 10,
    },
    { why: 'no default export', code: 'export const a = 1;', message: /default export/, line: null, column: null },
    {
      why: 'an import',
      code: '\n  import fs from "node:fs";\nexport default () => fs.readFileSync;',
      message: /import modules: "node:fs"/,
      line: 2,
      column: 13,
    },
    {
      why: 'a top-level await',
      code: 'const f = async () => { await 1; };\nexport default f;\n  await f(); await f();',
      message: /await/,
      line: 3,
      column: 3,
    },
    { why: 'a top-level for await', code: 'export default () => 1;\nfor await (const x of []) {}', message: /await/, line: 2, column: 5 },
  ])('refuses $why', async ({ code, language, message, line, column }) => {
    const result = await sandbox.compile({ code, language: language ?? 'typescript' });
    expect(result).toEqual({ ok: false, message: expect.stringMatching(message), line, column });
  });

  test('runs nothing', async () => {
    expect(await sandbox.compile({ code: 'for (;;);\nexport default () => 1;', language: 'javascript' })).toMatchObject({ ok: true });
  });

  test('survives a source that is too much for the compiler', async () => {
    const started = performance.now();
    const result = await sandbox.compile({ code: `export default () => ${'('.repeat(500_000)}`, language: 'javascript' });
    expect(result).toMatchObject({ ok: false });
    expect(performance.now() - started).toBeLessThan(6_000);
    expect(await sandbox.compile({ code: 'export default () => 1', language: 'javascript' })).toMatchObject({ ok: true });
  });
});

describe('ctx', () => {
  test('tells who runs what', async () => {
    const handler = { ...body('return { ...ctx, log: 0, events: 0, state: 0, mail: 0, sleep: 0 };'), id: 7_007, name: 'h', version: 3 };
    const executions = executionsOf(1, { id: 'run-1', attempt: 2 });
    const outcome = await runOne(sandbox, { handler, executions });
    const execution = { id: 'run-1', attempt: 2, deadlineAt: outcome.startedAt + 1_000 };
    const about = { id: 7_007, name: 'h', version: 3, config: { n: 1 } };
    expect(outputOf(outcome)).toMatchObject({ handler: about, hook: 'event.on_ingest', config: { n: 1 }, execution, tags: ['a', 'b'] });
  });

  test('keeps logs with their level, as console.log would print them', async () => {
    const { logs } = await run(
      "ctx.log.info('a', 1, { b: [2n, null] }); console.warn(new TypeError('x')); ctx.log.debug(undefined, () => 1);",
    );
    expect(logs.map(({ level, message }) => [level, message])).toEqual([
      ['info', 'a 1 { b: [ 2n, null ] }'],
      ['warn', 'TypeError: x'],
      ['debug', 'undefined [Function (anonymous)]'],
    ]);
  });

  test('cuts logs and says how many lines are missing', async () => {
    const { logs } = await run('for (let i = 0; i < 1500; i++) ctx.log.info(i);');
    expect(logs).toHaveLength(1_001);
    expect(logs.at(-1)?.message).toBe('500 more log lines were dropped');
  });

  test('passes reads to the host and brings back its answers', async () => {
    expect(outputOf(await run("return await ctx.events.get('e1');"))).toMatchObject({ op: 'events.get', asked: { id: 'e1' } });
    const query = 'return await ctx.events.query({ a: 1 }, { limit: 2, sort: { a: -1 }, projection: { a: 1 } });';
    expect(outputOf(await run(query))).toMatchObject({
      op: 'events.query',
      asked: { selector: { a: 1 }, limit: 2, sort: { a: -1 }, projection: { a: 1 } },
    });
    expect(outputOf(await run('return await ctx.events.count({ a: 1 });'))).toMatchObject({
      op: 'events.count',
      asked: { selector: { a: 1 } },
    });
  });

  test.each([
    { id: 'refuse', reason: 'permission', message: 'the key has no scope events:read' },
    { id: 'invalid', reason: 'rejected', message: 'that is no id' },
    { id: 'crash', reason: 'thrown', message: 'internal error' },
  ])('a refused call that nobody catches ends as $reason', async ({ id, reason, message }) => {
    expect(errorOf(await run(`\n  await ctx.events.get('${id}');`))).toEqual({ reason, message, line: 2, column: expect.any(Number) });
  });

  test('a refused call can be caught', async () => {
    expect(outputOf(await run("try { await ctx.events.get('refuse'); } catch (e) { return e.message; }"))).toMatch(/no scope/);
  });

  test('emits events with ids that a repeated run would give again', async () => {
    const code =
      "return [await ctx.events.emit({ a: 1 }), await ctx.events.emit({ _id: 'own' }), await ctx.events.emit({ event_id: 'e' }), await ctx.events.emit({})];";
    const prefix = 'P'.repeat(23);
    expect(outputOf(await run(code))).toEqual([`${prefix}000`, 'own', 'e', `${prefix}003`]);
  });

  test('records effects in order, with the place of an emit', async () => {
    const effects = await effectsOf(
      "ctx.state.set('k', { a: 2n ** 64n }); ctx.state.delete('j'); ctx.state.increment('n', 2);\n  ctx.events.emit({ a: 1 });\nctx.mail.send({ to: ['a@b.c', 'd@e.f'], subject: 's', text: 't' });",
    );
    expect(effects).toEqual([
      { op: 'state.set', key: 'k', value: '{"a":18446744073709551616}' },
      { op: 'state.delete', key: 'j' },
      { op: 'state.increment', key: 'n', by: 2 },
      { op: 'emit', event: '{"a":1}', line: 2, column: 14 },
      { op: 'mail', to: 'a@b.c', subject: 's', text: 't', html: null },
      { op: 'mail', to: 'd@e.f', subject: 's', text: 't', html: null },
    ]);
  });

  test('records the files of a mail as they are given', async () => {
    const mail = "{ to: 'a@b.c', subject: 's', text: 't', attachments: FILES }";
    const files =
      "[{ filename: 'a.csv', content_type: 'text/csv', content: 'x,ü' }, { filename: 'b.bin', content_type: 'application/octet-stream', base64: 'AQI=' }]";
    expect(await effectsOf(`await ctx.mail.send(${mail.replace('FILES', files)});`)).toEqual([
      {
        ...{ op: 'mail', to: 'a@b.c', subject: 's', text: 't', html: null },
        attachments: [
          { filename: 'a.csv', contentType: 'text/csv', encoding: 'utf8', content: 'x,ü' },
          { filename: 'b.bin', contentType: 'application/octet-stream', encoding: 'base64', content: 'AQI=' },
        ],
      },
    ]);
  });

  test.each([
    "'x'",
    '[7]',
    "[{ filename: 'a', content_type: 'text/csv' }]",
    "[{ filename: 'a', content_type: 'text/csv', path: '/etc/passwd' }]",
    "[{ filename: 'a', content_type: 'text/csv', content: 'x', href: 'http://127.0.0.1/' }]",
    "[{ filename: 'a', content_type: 'text/csv', raw: 'x' }]",
    "[{ filename: 'a', content_type: 'text/csv', content: { path: '/etc/passwd' } }]",
    "[{ filename: 'a', content_type: 'text/csv', content: 'x', base64: 'AQI=' }]",
    "[{ filename: 'a', content_type: 'text/csv', content: 'x', headers: { Bcc: 'x@y.z' } }]",
    "Array.from({ length: 11 }, () => ({ filename: 'a', content_type: 'text/csv', content: 'x' }))",
  ])('refuses what is no file of a mail: %s', async (files) => {
    const outcome = await run(`await ctx.mail.send({ to: 'a@b.c', subject: 's', text: 't', attachments: ${files} });`);
    expect(outcome).toMatchObject({ kind: 'failed', error: { reason: 'thrown', message: expect.stringMatching(/attachment/) } });
  });

  test('counts the files of a mail as effects', async () => {
    const big = "{ filename: 'a', content_type: 'text/csv', content: 'x'.repeat(600_000) }";
    const outcome = await run(`await ctx.mail.send({ to: 'a@b.c', subject: 's', text: 't', attachments: [${big}, ${big}] });`);
    expect(outcome).toMatchObject({ kind: 'failed', error: { reason: 'rejected' } });
  });

  test('records alerts: an event that was not changed by name, any other with its text', async () => {
    const code = `await ctx.alerts.raise(event);
      ctx.alerts.raise({ ...event }, { to: 'a@b.c', importance: 'High' });
      ctx.alerts.raise({ ...event, note: 2n ** 64n }, { to: ['a@b.c', 'd@e.f'] });
      ctx.alerts.raise({ log_level: 50 });
      event.log_level = 30;
      ctx.alerts.raise(event);`;
    const executions = executionsOf(1, { input: '{"_id":"e","log_level":40,"event_data":[1.0,1591844539983333333]}' });
    const outcome = await run(code, { executions });
    if (outcome.kind === 'failed') throw new Error(outcome.error.message);
    const own = '"event_data":[1,1591844539983333333]';
    expect(outcome.effects).toMatchObject([
      { op: 'alert', event: null, to: null, importance: null, line: 1 },
      { op: 'alert', event: null, to: ['a@b.c'], importance: 'High', line: 2 },
      { op: 'alert', event: `{"_id":"e","log_level":40,${own},"note":18446744073709551616}`, to: ['a@b.c', 'd@e.f'], importance: null },
      { op: 'alert', event: '{"log_level":50}', to: null },
      { op: 'alert', event: `{"_id":"e","log_level":30,${own}}`, to: null },
    ]);
  });

  test.each([
    ['ctx.alerts.raise()', 'TypeError: what alerts.raise takes first is an object'],
    ['ctx.alerts.raise(event, { to: [] })', 'TypeError: "to" of an alert is an address or a list of them'],
    ['ctx.alerts.raise(event, { to: [1] })', 'TypeError: "to" of an alert is an address or a list of them'],
    ['ctx.alerts.raise(event, { importance: 1 })', 'TypeError: "importance" of an alert is High, Normal or Low'],
    ['for (let n = 0; n < 21; n++) ctx.alerts.raise(event)', 'an execution may raise 20 alerts'],
    ["ctx.alerts.raise(event, { to: Array(51).fill('a@b.c') })", 'an alert may have 50 addresses'],
    ["ctx.alerts.raise({ x: 'x'.repeat(300_000) })", 'an event may have 262144 bytes of JSON'],
  ])('refuses %s', async (code, message) => {
    expect(errorOf(await run(`${code};`)).message).toBe(message);
  });

  test('integers beyond 2^53 keep all digits on their way in and out', async () => {
    const executions = executionsOf(1, {
      input: '{"a":1591844539983333333,"b":-9007199254740993,"c":9007199254740991,"d":1.5,"e":"1591844539983333333"}',
    });
    const outcome = await run('return [typeof event.a, typeof event.c, event];', { executions });
    if (outcome.kind === 'failed') throw new Error(outcome.error.message);
    expect(outcome.output).toBe(
      '["bigint","number",{"a":1591844539983333333,"b":-9007199254740993,"c":9007199254740991,"d":1.5,"e":"1591844539983333333"}]',
    );
  });

  test('sleep waits and counts against the deadline', async () => {
    const outcome = await run('const t = Date.now(); await ctx.sleep(50); return Date.now() - t;');
    expect(outputOf(outcome)).toBeGreaterThanOrEqual(48);
    expect(outcome.finishedAt - outcome.startedAt).toBeGreaterThanOrEqual(48);
  });

  test('what is missing names what to use instead', async () => {
    expect(errorOf(await run('setTimeout(() => 1, 10);')).message).toBe(
      'ReferenceError: setTimeout is not defined (await ctx.sleep(ms) waits)',
    );
    expect(outputOf(await run('return typeof setTimeout;'))).toBe('undefined');
  });

  test('structuredClone copies data and keeps cycles', async () => {
    const code =
      'const a = { d: new Date(0), m: new Map([[1, { x: 1 }]]) }; a.a = a; const b = structuredClone(a); return [b !== a, b.a === b, b.d.getTime(), b.m.get(1).x];';
    expect(outputOf(await run(code))).toEqual([true, true, 0, 1]);
  });

  test('the members of built-in prototypes can be overridden on own objects', async () => {
    const code =
      "class Mine extends Error { constructor(m) { super(m); this.name = 'Mine'; } toString() { return 'm'; } }\nconst o = {}; o.toString = () => 'o'; o.constructor = 1;\nthrow new Mine(String(o));";
    expect(errorOf(await run(code))).toMatchObject({ message: 'Mine: o', line: 3 });
  });
});

describe('errors', () => {
  test('have the place in the TypeScript source', async () => {
    const code =
      'interface A {\n  a: string;\n}\nfunction inner(x: A): never {\n  throw new TypeError("bad " + x.a);\n}\nexport default async (event: A) => inner({ a: "b" });';
    const compiled = await sandbox.compile({ code, language: 'typescript' });
    if (!compiled.ok) throw new Error(compiled.message);
    const error = errorOf(await runOne(sandbox, { handler: handlerOf(compiled.javascript) }));
    expect(error).toEqual({ reason: 'thrown', message: 'TypeError: bad b', line: 5, column: 9 });
  });

  test('keep their place across an await', async () => {
    expect(errorOf(await run('await ctx.sleep(1);\n\n   null.x;'))).toMatchObject({ line: 3, column: 9 });
  });

  test('that are no errors are shown as what they are', async () => {
    expect(errorOf(await run("throw 'only a text';")).message).toBe('only a text');
    expect(errorOf(await run('throw { code: 5 };')).message).toBe('thrown value: { code: 5 }');
  });

  test('of loading fail every execution of the batch, with their place', async () => {
    const handler = handlerOf('const x = 1;\n\n  x.y.z;\nexport default () => 1;');
    const { outcomes } = await runBatch(sandbox, { handler, executions: executionsOf(3) });
    expect(outcomes.map(({ outcome }) => errorOf(outcome))).toEqual(
      new Array(3).fill({ reason: 'load_failed', message: expect.stringMatching(/undefined/), line: 3, column: 7 }),
    );
  });
});

describe('order', () => {
  const tracing = (concurrency: number) =>
    handlerOf(
      'let open = 0; export default async (event, ctx) => { open++; const most = open; await ctx.sleep(5); open--; return most; };',
      { concurrency },
    );

  test('one at a time unless the handler allows more', async () => {
    const { outcomes } = await runBatch(sandbox, { handler: tracing(1), executions: executionsOf(8) });
    expect(outcomes.map(({ outcome }) => outputOf(outcome))).toEqual(new Array(8).fill(1));
  });

  test('as many at a time as the handler allows, across batches', async () => {
    const handler = tracing(4);
    const reports = await Promise.all([
      runBatch(sandbox, { handler, executions: executionsOf(8) }),
      runBatch(sandbox, { handler, executions: executionsOf(8) }),
    ]);
    const most = reports.flatMap(({ outcomes }) => outcomes.map(({ outcome }) => Number(outputOf(outcome))));
    expect(Math.max(...most)).toBe(4);
  });

  test('outcomes arrive as they happen, not at the end of the batch', async () => {
    const executions = executionsOf(3);
    const seen: number[] = [];
    const handler = body('if (event.i === 2) await ctx.sleep(400); return 1;');
    await runBatch(sandbox, { handler, executions }, { outcomes: () => void seen.push(performance.now()) });
    expect((seen.at(-1) ?? 0) - (seen[0] ?? 0)).toBeGreaterThan(200);
  });

  test('a handler that waits for nothing holds no finished outcome back', async () => {
    const seen: string[] = [];
    const executions = executionsOf(2);
    const handler = handlerOf('export default (event) => (event.i === 1 ? new Promise(() => {}) : 1);', { timeoutMs: 500 });
    const done = runBatch(sandbox, { handler, executions }, { outcomes: (results) => void seen.push(...results.map(({ id }) => id)) });
    await until(() => seen[0]);
    expect(seen).toEqual([executions[0]?.id]);
    const { outcomes } = await done;
    expect(outcomes.map(({ outcome }) => outcome.kind)).toEqual(['succeeded', 'failed']);
  });
});

describe('state', () => {
  const counter = () => body("const n = (await ctx.state.get('n')) ?? 0; ctx.state.set('n', n + 1); return n;");

  test('an execution sees its own writes', async () => {
    const code = "ctx.state.set('a', { x: 1 }); ctx.state.increment('stored', 2); ctx.state.delete('text'); ctx.state.increment('new');";
    const read =
      "return [await ctx.state.get('a'), await ctx.state.get('stored'), await ctx.state.get('text'), await ctx.state.get('new')];";
    expect(outputOf(await run(code + read))).toEqual([{ x: 1 }, 7, null, 1]);
  });

  test('the next execution sees what the one before wrote, before it is in the store', async () => {
    const { outcomes } = await runBatch(sandbox, { handler: counter(), executions: executionsOf(5) });
    expect(outcomes.map(({ outcome }) => outputOf(outcome))).toEqual([0, 1, 2, 3, 4]);
  });

  test('what is settled is read from the store again', async () => {
    const handler = counter();
    const { outcomes } = await runBatch(sandbox, { handler, executions: executionsOf(2) });
    sandbox.settled(
      handler.id,
      outcomes.map(({ id }) => id),
    );
    expect(outputOf(await runOne(sandbox, { handler }))).toBe(0);
  });

  test('increments add up on what the store has', async () => {
    const handler = body("ctx.state.increment('stored'); return await ctx.state.get('stored');");
    const { outcomes } = await runBatch(sandbox, { handler, executions: executionsOf(3) });
    expect(outcomes.map(({ outcome }) => outputOf(outcome))).toEqual([6, 7, 8]);
  });

  test('a failed execution leaves nothing behind', async () => {
    const handler = body("const n = await ctx.state.get('f'); ctx.state.set('f', 1); if (event.i === 0) throw new Error('x'); return n;");
    const { outcomes } = await runBatch(sandbox, { handler, executions: executionsOf(2) });
    expect(outcomes.map(({ outcome }) => outcome.kind === 'succeeded' && outputOf(outcome))).toEqual([false, null]);
  });

  test('it outlives the runner', async () => {
    const handler = counter();
    await runOne(sandbox, { handler });
    await runBatch(sandbox, { handler: { ...body('for (;;);'), timeoutMs: 100 } });
    expect(outputOf(await runOne(sandbox, { handler }))).toBe(1);
  });
});

describe('warm isolates', () => {
  const counting = () => handlerOf('let n = 0; export default () => ++n;');

  test('one version is loaded once', async () => {
    const handler = counting();
    expect([outputOf(await runOne(sandbox, { handler })), outputOf(await runOne(sandbox, { handler }))]).toEqual([1, 2]);
  });

  test('evict forgets them, also while they are at work', async () => {
    const handler = handlerOf('let n = 0; export default async (event, ctx) => { await ctx.sleep(50); return ++n; };');
    const first = runOne(sandbox, { handler });
    await wait(30);
    sandbox.evict(handler.id);
    expect([outputOf(await first), outputOf(await runOne(sandbox, { handler }))]).toEqual([1, 1]);
  });

  test('a changed handler is loaded anew', async () => {
    const handler = counting();
    await runOne(sandbox, { handler });
    expect(outputOf(await runOne(sandbox, { handler: { ...handler, config: '{}' } }))).toBe(1);
  });

  test('no more of them are kept than allowed', async () => {
    await using small = isolateSandbox({ runners: 1, host: echoHost(), log: () => {}, limits: { warmIsolates: 2 } });
    const [a, b, c] = [counting(), counting(), counting()];
    for (const handler of [a, b, a, c]) await runOne(small, { handler });
    expect(outputOf(await runOne(small, { handler: a }))).toBe(3);
    expect(outputOf(await runOne(small, { handler: b }))).toBe(1);
  });
});

describe('registrants', () => {
  test('never share a process', async () => {
    await using one = isolateSandbox({ runners: 1, host: echoHost(), log: () => {} });
    const handler = body('await ctx.sleep(20); return 1;');
    const pids = new Map<string, Set<number>>();
    for (const registrant of ['a', 'b', 'a', 'b']) {
      const running = runOne(one, { handler: { ...handler }, registrant });
      await wait(100);
      await running;
      const runner = one.runners.find((candidate) => candidate.registrant === registrant);
      pids.set(registrant, (pids.get(registrant) ?? new Set()).add(runner?.pid ?? 0));
    }
    const [a, b] = [pids.get('a') ?? new Set(), pids.get('b') ?? new Set()];
    expect(a.isDisjointFrom(b)).toBe(true);
  });

  test('a busy one does not keep another from its turn', async () => {
    await using one = isolateSandbox({ runners: 1, host: echoHost(), log: () => {}, limits: { quantumMs: 100 } });
    let isOver = false;
    const slow = handlerOf('export default async (event, ctx) => { await ctx.sleep(5); return 1; };');
    const hog = async () => {
      while (!isOver) await runBatch(one, { handler: { ...slow, id: slow.id }, registrant: 'hog', executions: executionsOf(4) });
    };
    const hogs = [hog(), hog(), hog()];
    await wait(400);
    const started = performance.now();
    await runOne(one, { handler: body('return 1;'), registrant: 'guest' });
    expect(performance.now() - started).toBeLessThan(5_000);
    isOver = true;
    await Promise.all(hogs);
  });

  test('one execution waits for no other handler of its registrant', async () => {
    const slow = runOne(sandbox, { handler: body('await ctx.sleep(500); return 1;') });
    const quick = runOne(sandbox, { handler: body('return 1;') });
    expect(await Promise.race([slow.then(() => 'slow'), quick.then(() => 'quick')])).toBe('quick');
    await slow;
  });
});

describe('when a runner is thrown away', () => {
  const third = (evil: string) =>
    handlerOf(`export default async (event, ctx) => { if (event.i === 2) { ${evil} } return event.i; };`, { timeoutMs: 400 });

  test('a timeout costs the culprit alone; the rest of its batch comes back', async () => {
    const executions = executionsOf(5);
    const { outcomes, returned, suspects } = await runBatch(sandbox, { handler: third('await ctx.sleep(10); for (;;);'), executions });
    expect(outcomes.map(({ outcome }) => (outcome.kind === 'failed' ? outcome.error.reason : 'ok'))).toEqual(['ok', 'ok', 'timeout']);
    expect([returned, suspects]).toEqual([executions.slice(3).map(({ id }) => id), []]);
  });

  test.each(['for (;;);', 'await new Promise(() => {});'])('a timeout in "%s" keeps what was logged before it', async (end) => {
    const outcome = await runOne(sandbox, { handler: { ...body(`ctx.log.info('äöü', 1); ctx.log.warn('two'); ${end}`), timeoutMs: 150 } });
    expect(outcome.logs.map(({ level, message }) => [level, message])).toEqual([
      ['info', 'äöü 1'],
      ['warn', 'two'],
    ]);
  });

  test('another isolate of the process may finish what takes no longer than the grace', async () => {
    await using one = isolateSandbox({ runners: 1, host: echoHost(), log: () => {} });
    const spinning = runOne(one, { handler: { ...body('for (;;);'), timeoutMs: 200 } });
    const innocent = await runBatch(one, { handler: body('await ctx.sleep(400); return 1;'), executions: executionsOf(1) });
    expect(innocent.outcomes).toHaveLength(1);
    expect(errorOf(await spinning).reason).toBe('timeout');
  });

  test('memory of one execution at a time is its own doing', async () => {
    const { outcomes, returned } = await runBatch(sandbox, {
      handler: third('const a = []; for (;;) a.push(new Array(1e4).fill(0.5));'),
      executions: executionsOf(4),
    });
    expect(outcomes.at(-1)?.outcome).toMatchObject({ error: { reason: expect.stringMatching(/memory|timeout/) } });
    expect(outcomes.length + returned.length).toBe(4);
  });

  test('of several under way all are suspects, and each alone shows who it was', async () => {
    const code =
      'export default async (event, ctx) => { await ctx.sleep(20); if (event.i === 1) for (;;); await ctx.sleep(1000); return 1; };';
    const handler = handlerOf(code, { concurrency: 3, timeoutMs: 300 });
    const executions = executionsOf(3);
    const { suspects } = await runBatch(sandbox, { handler, executions });
    expect(suspects.toSorted()).toEqual(executions.map(({ id }) => id).toSorted());
    const quick = { ...handler, timeoutMs: 1_500 };
    const alone = await Promise.all(
      executions.map((execution) => runOne(sandbox, { handler: quick, executions: [execution], alone: true })),
    );
    expect(alone.map((outcome) => (outcome.kind === 'failed' ? outcome.error.reason : 'ok'))).toEqual(['ok', 'timeout', 'ok']);
  });

  test('a killed process blames its only execution, and suspects several', async () => {
    const host = echoHost();
    let under = 0;
    const counting: HostCalls = {
      call(...asked) {
        under++;
        return host.call(...asked);
      },
    };
    await using one = isolateSandbox({ runners: 1, host: counting, log: () => {} });
    /** Kills the runner once so many executions are under way, and it had the time to report them, which it does many times a second. */
    const killAt = async (count: number) => {
      under = 0;
      await until(() => under >= count || undefined);
      await wait(1_000);
      process.kill(one.runners.find(({ executions }) => executions > 0)?.pid ?? Number.NaN, 'SIGKILL');
    };
    const slow = handlerOf('export default async (event, ctx) => { await ctx.state.get("k"); await ctx.sleep(8_000); return 1; };', {
      concurrency: 2,
      timeoutMs: 20_000,
    });
    const [single] = await Promise.all([runBatch(one, { handler: slow }), killAt(1)]);
    expect(errorOf(single.outcomes[0]?.outcome ?? ({} as never)).reason).toBe('crashed_runner');
    const executions = executionsOf(3);
    const [several] = await Promise.all([runBatch(one, { handler: slow, executions }), killAt(2)]);
    expect([several.suspects, several.returned]).toEqual([executions.slice(0, 2).map(({ id }) => id), [executions[2]?.id]]);
  });

  test('an aborted execution has no outcome and others come back or finish', async () => {
    const executions = executionsOf(3);
    const handler = body('if (event.i === 1) await ctx.sleep(900); return 1;');
    const seen: string[] = [];
    const pending = runBatch(sandbox, { handler, executions }, { outcomes: (results) => void seen.push(...results.map(({ id }) => id)) });
    await until(() => seen[0]);
    sandbox.abort(executions[1]?.id ?? '');
    const { outcomes, returned, suspects } = await pending;
    expect(outcomes.map(({ id }) => id)).toEqual([executions[0]?.id]);
    expect([returned, suspects]).toEqual([[executions[2]?.id], []]);
  });
});

describe('work left behind', () => {
  test('an isolate that spins after its last execution costs the process', async () => {
    await using one = isolateSandbox({ runners: 1, host: echoHost(), log: () => {} });
    const outcome = await runOne(one, {
      handler: body('const again = () => Promise.resolve().then(again); ctx.sleep(1).then(again); await ctx.sleep(1); return 1;'),
    });
    expect(['succeeded', 'failed']).toContain(outcome.kind);
    const spinning = one.runners.find(({ registrant }) => registrant !== null)?.pid;
    await wait(2_000);
    expect(one.runners.map(({ pid }) => pid)).not.toContain(spinning);
    expect(outputOf(await runOne(one, { handler: body('return 2;') }))).toBe(2);
  });

  test('an isolate at rest keeps its process', async () => {
    const handler = body('return 1;');
    await runOne(sandbox, { handler, registrant: 'calm' });
    const pid = sandbox.runners.find(({ registrant }) => registrant === 'calm')?.pid;
    await wait(1_500);
    expect(sandbox.runners.map((runner) => runner.pid)).toContain(pid);
  });
});

describe('memory', () => {
  test('the smallest limit is enough for a small handler', async () => {
    expect(outputOf(await runOne(sandbox, { handler: { ...body('return [1, 2].map((n) => n * 2);'), memoryMb: 1 } }))).toEqual([2, 4]);
  });
});

describe('disposal', () => {
  test('ends processes that spin, gives back what is under way and takes no more', async () => {
    const closing = isolateSandbox({ runners: 1, host: echoHost(), log: () => {} });
    const spinning = runBatch(closing, { handler: body('for (;;);'), executions: executionsOf(2) });
    const waiting = runBatch(closing, { handler: body('return 1;'), registrant: 'bob' });
    await wait(400);
    const pids = closing.runners.map(({ pid }) => pid);
    const started = performance.now();
    await closing[Symbol.asyncDispose]();
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(await survivors(pids, 100)).toEqual([]);
    expect((await spinning).returned).toHaveLength(2);
    expect((await waiting).returned).toHaveLength(1);
    expect((await runBatch(closing, { handler: body('return 1;') })).returned).toHaveLength(1);
    expect(await closing.compile({ code: 'export default 1', language: 'javascript' })).toMatchObject({ ok: false });
  });

  test('runners end by themselves when their server is killed, even while they spin', async () => {
    const program = fileURLToPath(new URL('../support/sandbox-server.ts', import.meta.url));
    const server = fork(program, [], { execArgv: ['--no-warnings'], serialization: 'json' });
    const [pids] = (await once(server, 'message')) as [number[]];
    expect(pids.length).toBeGreaterThan(0);
    server.kill('SIGKILL');
    expect(await survivors(pids)).toEqual([]);
  });
});

test('an idle runner is small', async () => {
  await using quiet = isolateSandbox({ runners: 1, host: echoHost(), log: () => {} });
  await runOne(quiet, { handler: body('return 1;') });
  await wait(300);
  for (const { rssBytes } of quiet.runners) expect(rssBytes ?? 0).toBeLessThan(100 * 2 ** 20);
});

checkForLeaks();
