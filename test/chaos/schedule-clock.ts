/**
 * A server's engine on a store of its own, whose clock runs as fast as it can: `schedule-clock.ts FOLDER START END`, in milliseconds since
 * the epoch. Prints each moment that it has come to. Its only handler runs every minute.
 */

import { startEngine } from '../support/engine-rig.ts';
import { ok, ScriptedSandbox } from '../support/scripted-sandbox.ts';
import { HandClock, openTestStore } from '../support/store.ts';

const [folder = '', start, end] = process.argv.slice(2);
const store = await openTestStore({ folder, durability: 'full' });
const clock = new HandClock(Number(start));
const rig = await startEngine(store, { clock, sandbox: new ScriptedSandbox(() => ok()) });
if (rig.handlers.list('schedule.cron').length === 0)
  await rig.register({ hook: 'schedule.cron', name: 'minutely', schedule: { cron: '* * * * *', timezone: 'UTC' } });
await rig.engine.dispatcher.recover();
while (clock.now() < Number(end)) {
  process.stdout.write(`${clock.now()}\n`);
  clock.advance(10_000);
  rig.tick();
  await rig.quiet();
}
for (let n = 0; n < 20; n++) await rig.quiet();
process.stdout.write('done\n', () => process.exit(0));
