import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { logger } from './adapters/system/logger.ts';
import { startApp } from './app.ts';
import { type Config, readConfig } from './config.ts';
import { readyLine } from './ready-line.ts';

const STOP_MS = 10_000;

/** Runs the server until a signal asks it to stop. Exit codes: 0 stopped as asked, 1 failed, 2 settings that cannot be used. */
async function main(): Promise<number> {
  const shutdown = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => (shutdown.signal.aborted ? process.exit(1) : shutdown.abort(name)));
  if (existsSync('.env')) process.loadEnvFile('.env');
  const config = settings();
  if (config === null) return 2;
  const log = logger(config.LOG_LEVEL);
  process.on('unhandledRejection', (error) => log('error', 'unhandled rejection', { error }));
  {
    await using app = await startApp(config, log);
    process.stdout.write(readyLine(app, config));
    if (!shutdown.signal.aborted) await once(shutdown.signal, 'abort');
    process.stdout.write(`Stopping (${String(shutdown.signal.reason)}) ...\n`);
    setTimeout(() => process.exit(1), STOP_MS).unref(); // only if something does not end
  }
  return 0;
}

function settings(): Config | null {
  try {
    return readConfig(process.env, (path) => readFileSync(path, 'utf8'));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return null;
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
