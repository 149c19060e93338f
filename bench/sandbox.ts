/** Executions per second of trivial handlers through fork and isolate, and what they cost this process. `node bench/sandbox.ts [batches]` */
import { isolateSandbox } from '../src/adapters/isolate/sandbox.ts';
import type { Sandbox, SandboxHandler } from '../src/ports/sandbox.ts';

const BATCH = 256;
const AHEAD = 4;
const batches = Number(process.argv[2] ?? 200);
const input = JSON.stringify({ event_type: 'workflow_start', source: { node_id: 'n1' }, event_data: { n: 1, message: 'hello' } });
const HANDLERS = {
  'returns a number': 'export default () => 1;',
  'async, logs a line': "export default async (event, ctx) => { ctx.log.info('seen', event.event_type); return 1; };",
  'emits an event': "export default async (event, ctx) => { await ctx.events.emit({ event_type: 'seen' }); };",
  'reads and writes state': "export default async (event, ctx) => { ctx.state.set('n', (await ctx.state.get('n') ?? 0) + 1); };",
};

function runBatch(sandbox: Sandbox, handler: SandboxHandler, number: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const ids = Array.from({ length: BATCH }, (_, i) => `${handler.id}-${number}-${i}`);
  const executions = ids.map((id) => ({ id, attempt: 1, input, tags: [], emitPrefix: '0'.repeat(23) }));
  const refuse = () => reject(new Error('the bench needs every execution to end well'));
  sandbox.submit(
    { registrant: 'bench', handler, executions, alone: false },
    {
      outcomes: (results) => (results.every(({ outcome }) => outcome.kind === 'succeeded') ? undefined : refuse()),
      returned: refuse,
      suspects: refuse,
      done() {
        sandbox.settled(handler.id, ids);
        resolve();
      },
    },
  );
  return promise;
}

async function measure(sandbox: Sandbox, handler: SandboxHandler, count: number): Promise<{ perSecond: number; serverMicros: number }> {
  await runBatch(sandbox, handler, -1);
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  const open: Promise<void>[] = [];
  for (let number = 0; number < count; number++) {
    open.push(runBatch(sandbox, handler, number));
    if (open.length >= AHEAD) await open.shift();
  }
  await Promise.all(open);
  const seconds = (performance.now() - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: Math.round((count * BATCH) / seconds), serverMicros: (user + system) / (count * BATCH) };
}

await using sandbox = isolateSandbox({ runners: 1, host: { call: async () => 'null' }, log: () => {} });
for (const [index, [name, javascript]] of Object.entries(HANDLERS).entries()) {
  const limits = { timeoutMs: 10_000, memoryMb: 64, concurrency: 1 };
  const handler = { id: index, name, version: 0, hook: 'bench', javascript, config: '{}', ...limits };
  const count = name.includes('state') ? Math.ceil(batches / 10) : batches;
  const { perSecond, serverMicros } = await measure(sandbox, handler, count);
  console.log(`${name.padEnd(24)} ${String(perSecond).padStart(8)}/s   ${serverMicros.toFixed(1)} µs of the server each`);
}
