import type { PipeRequest } from '../baselines/bare-pipe.ts';
import { countSucceeded, register, settled, upload } from '../client.ts';
import { assertCount, type Bench, type Figure } from '../figure.ts';
import { startPart, startSubject, temporaryFolder } from '../processes.ts';
import { interleave } from '../rounds.ts';
import { ndjson, newRun } from '../sample-events.ts';
import { median, medianRatio } from '../statistics.ts';

export const TRIVIAL_HANDLER = 'export default (event) => event._id;';

/** Event to settled execution, all of it durable, against a bare pipe of the same parts. */
export async function pipe({ size, progress }: Bench): Promise<Figure[]> {
  const [rounds, count] = size === 'small' ? [3, 30_000] : [7, 100_000];
  using folder = temporaryFolder();
  const script = new URL('../baselines/bare-pipe.ts', import.meta.url);
  await using bare = await startPart<string, PipeRequest, { seconds: number; succeeded: number }>(script, [folder.path]);
  await using server = await startSubject();
  const handlerId = await register(server.url, { name: 'trivial', code: TRIVIAL_HANDLER });
  let uploads = 0;

  const sides = {
    bare: async () => {
      const { seconds, succeeded } = await bare.ask({ run: newRun(), count });
      assertCount('executions settled by the bare pipe', succeeded, count);
      return count / seconds;
    },
    server: async () => {
      uploads++;
      const run = newRun();
      const body = ndjson(count, (n) => ({ n, run }));
      const start = performance.now();
      await upload(server.url, body, count);
      await settled(server.url, handlerId);
      return (count * 1000) / (performance.now() - start);
    },
  };
  progress('warming up');
  await sides.bare();
  await sides.server();
  const samples = await interleave({ rounds, sides, progress });
  progress('counting');
  assertCount('executions succeeded', await countSucceeded(server.url, handlerId), uploads * count);

  const rates = {
    unit: 'exec/s',
    subject: median(samples.server),
    baseline: median(samples.bare),
    ratio: medianRatio(samples.server, samples.bare),
  };
  return [
    { name: 'event → handler → settled : bare pipe', ...rates, target: { of: 'ratio', least: 0.5 }, note: `uploads of ${count}` },
    { name: 'event → handler → settled, rate', ...rates, baseline: null, ratio: null, target: { of: 'subject', least: 20_000 } },
  ];
}
