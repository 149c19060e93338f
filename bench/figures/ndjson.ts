import type { InsertReply, InsertRequest } from '../baselines/insert-loop.ts';
import { totalEvents, upload } from '../client.ts';
import { assertCount, type Bench, type Figure } from '../figure.ts';
import { startPart, startSubject, temporaryFolder } from '../processes.ts';
import { interleave } from '../rounds.ts';
import { ndjson, newRun } from '../sample-events.ts';
import { median, medianRatio } from '../statistics.ts';

/** POST /events as NDJSON against a bare loop that inserts the same rows. */
export async function ndjsonIngest({ size, progress }: Bench): Promise<Figure[]> {
  const [rounds, count] = size === 'small' ? [3, 40_000] : [7, 200_000];
  using folder = temporaryFolder();
  const script = new URL('../baselines/insert-loop.ts', import.meta.url);
  await using loop = await startPart<string, InsertRequest, InsertReply>(script, [folder.path]);
  await using server = await startSubject();
  let uploads = 0;

  const sides = {
    loop: async () => {
      const { seconds, inserted } = await loop.ask({ run: newRun(), count });
      assertCount('rows inserted by the loop', inserted, count);
      return count / seconds;
    },
    server: async () => {
      uploads++;
      const run = newRun();
      return (
        count /
        (await upload(
          server.url,
          ndjson(count, (n) => ({ n, run })),
          count,
        ))
      );
    },
  };
  progress('warming up');
  await sides.loop();
  await sides.server();
  const samples = await interleave({ rounds, sides, progress });
  assertCount('events stored', await totalEvents(server.url), uploads * count);
  return [
    {
      name: 'POST /events NDJSON : insert loop',
      unit: 'events/s',
      subject: median(samples.server),
      baseline: median(samples.loop),
      ratio: medianRatio(samples.server, samples.loop),
      target: { of: 'ratio', least: 0.7 },
      note: `uploads of ${count}`,
    },
  ];
}
