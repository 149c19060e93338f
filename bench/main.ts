import { writeFileSync } from 'node:fs';
import { fdatasyncMs } from './disk.ts';
import type { Measure, Measured, Progress } from './figure.ts';
import { alerts } from './figures/alerts.ts';
import { archive } from './figures/archive.ts';
import { attack } from './figures/attack.ts';
import { backup } from './figures/backup.ts';
import { cost } from './figures/cost.ts';
import { manyHandlers } from './figures/handlers.ts';
import { idle } from './figures/idle.ts';
import { latency } from './figures/latency.ts';
import { ndjsonMongo, pipeMongo, postEventMongo } from './figures/mongo.ts';
import { ndjsonIngest } from './figures/ndjson.ts';
import { pipe } from './figures/pipe.ts';
import { postEvent } from './figures/post-event.ts';
import { readScale } from './figures/read-scale.ts';
import { reports } from './figures/reports.ts';
import { twoServers } from './figures/servers.ts';
import { readOptions } from './options.ts';
import { watchOthers } from './other-load.ts';
import { circumstances, json, table } from './report.ts';
import { type StoreName, useStore } from './store.ts';

const MEASURES: Record<StoreName, Record<string, Measure>> = {
  sqlite: {
    'post-event': postEvent,
    ndjson: ndjsonIngest,
    pipe,
    latency,
    attack,
    handlers: manyHandlers,
    'read-scale': readScale,
    reports,
    archive,
    backup,
    idle,
    cost,
    alerts,
  },
  mongodb: {
    'post-event': postEventMongo,
    ndjson: ndjsonMongo,
    pipe: pipeMongo,
    servers: twoServers,
    latency,
    attack,
    handlers: manyHandlers,
    backup,
    idle,
    cost,
    alerts,
  },
};
/** MongoDB is slower to start, to fill and to empty. */
const MAX_MINUTES: Record<StoreName, Record<'small' | 'full', number>> = {
  sqlite: { small: 6, full: 45 },
  mongodb: { small: 12, full: 90 },
};

/** Exit codes: 0 measured, whether targets were met or not; 1 a measurement is broken; 2 arguments that cannot be used. */
async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2), (store) => Object.keys(MEASURES[store]));
  const measures = MEASURES[options.store];
  await using _ = await useStore(options.store);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const maxMinutes = MAX_MINUTES[options.store][options.size];
  setTimeout(() => fail(`not done after ${maxMinutes} minutes`), maxMinutes * 60_000).unref();
  const start = performance.now();
  const figures: Measured[] = [];
  let isBroken = false;
  for (const name of options.only ?? Object.keys(measures)) {
    const disk = fdatasyncMs();
    const others = watchOthers();
    try {
      const found = (await measures[name]?.({ size: options.size, progress: progressOf(name) })) ?? [];
      const otherLoad = others();
      figures.push(...found.map((figure) => ({ ...figure, otherLoad, fdatasyncMs: disk })));
    } catch (error) {
      isBroken = true;
      clearLine();
      process.stderr.write(`${name}: ${error instanceof Error ? error.stack : String(error)}\n`);
    }
  }
  clearLine();
  process.stdout.write(`${table(figures)}\n${circumstances(figures)}`);
  if (options.json !== null)
    writeFileSync(options.json, json(figures, { size: options.size, store: options.store, seconds: (performance.now() - start) / 1000 }));
  return isBroken ? 1 : 0;
}

/** One line that is written over, for people who watch. */
function progressOf(name: string): Progress {
  return process.stderr.isTTY ? (text) => process.stderr.write(`\r\u001b[K${name}: ${text}`) : () => {};
}

function clearLine(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
}

function fail(text: string): never {
  process.stderr.write(`${text}\n`);
  process.exit(1);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(2);
  },
);
