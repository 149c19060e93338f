import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { logger } from './adapters/system/logger.ts';
import { startApp } from './app.ts';
import { type Config, explain, type Reading, readLayers } from './config.ts';
import { SchemaMismatch } from './core/schema-version.ts';
import { readyLine } from './ready-line.ts';
import { placeText } from './settings/layers.ts';
import type { Sources } from './settings/sources.ts';
import { deepFaults } from './wiring/deep-check.ts';

const STOP_MS = 10_000;

/**
 * Runs the server until a signal asks it to stop. Answers the exit code: 0 stopped as asked, 1 failed, 2 settings that cannot be used,
 * 3 a store whose schema is another release's.
 */
export async function serve(sources: Sources): Promise<number> {
  const shutdown = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => (shutdown.signal.aborted ? process.exit(1) : shutdown.abort(name)));
  try {
    const reading = readLayers(sources.layers, { readFile: (path) => readFileSync(path, 'utf8'), ...sources });
    const faults = reading.config === null ? reading.faults : deepFaults(reading.config, reading.places, Date.now());
    if (reading.config === null || faults.length > 0) {
      complain(new Error(explain(faults)));
      return 2;
    }
    await run(reading.config, reading, shutdown.signal);
    return 0;
  } catch (error) {
    complain(error);
    return error instanceof SchemaMismatch ? 3 : 1;
  }
}

async function run(config: Config, { unknown, notes }: Reading, signal: AbortSignal): Promise<void> {
  const log = logger(config.LOG_LEVEL);
  for (const { setting, message, place } of unknown) log('warn', `${setting}: ${message}`, { place: placeText(place) });
  for (const note of notes) log('warn', note);
  process.on('unhandledRejection', (error) => log('error', 'unhandled rejection', { error }));
  await using app = await startApp(config, log);
  process.stdout.write(readyLine(app, config));
  growAsUsual();
  if (!signal.aborted) await once(signal, 'abort');
  process.stdout.write(`Stopping (${String(signal.reason)}) ...\n`);
  setTimeout(() => process.exit(1), STOP_MS).unref(); // only if something does not end
}

/** V8's own pace, which main.js has held back during the start. */
function growAsUsual(): void {
  setFlagsFromString('--semi-space-growth-factor=2');
}

function complain(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
}
