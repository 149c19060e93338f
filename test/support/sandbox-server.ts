/** A process with a sandbox whose handlers spin: to see what is left of them when it is killed. Sends the pids of its runners. */
import { setTimeout as wait } from 'node:timers/promises';
import { isolateSandbox } from '../../src/adapters/isolate/sandbox.ts';
import { echoHost, handlerOf, runBatch } from './sandbox-fixture.ts';

const sandbox = isolateSandbox({ runners: 1, host: echoHost(), log: () => {} });
void runBatch(sandbox, { handler: handlerOf('export default () => { for (;;); };', { timeoutMs: 60_000 }) });
await wait(600);
process.send?.(sandbox.runners.map(({ pid }) => pid));
