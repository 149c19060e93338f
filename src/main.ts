import { existsSync, mkdirSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

/**
 * The edge of the process. What is compiled is kept in the data folder: a start that finds it there is quicker and, because its threads
 * then need not load what strips the types, 35 MB smaller. That has to be said before anything else is imported.
 */
if (existsSync('.env')) process.loadEnvFile('.env');
const folder = process.env['DATA_DIR'] || './data';
try {
  if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
  enableCompileCache(join(folder, 'cache'));
} catch {
  // The store makes the folder, or says why it cannot.
}
const { serve } = await import('./serve.ts');
process.exit(await serve());
