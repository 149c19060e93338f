/**
 * The edge of the server's process. Plain JavaScript, because what strips types takes 19 MB, and is not loaded where the compile cache of an
 * earlier start is found before the first TypeScript file. Whatever is not found here is found with the settings (process-start.ts).
 */
import { existsSync, readFileSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';

const cache = join(process.env['DATA_DIR'] || dotenvFolder() || './data', 'cache');
if (existsSync(cache)) enableCompileCache(cache);

// A start makes much garbage, for which the heap of young objects would grow by 14 MB and stay so. serve.ts lets it grow when all is up.
setFlagsFromString('--semi-space-growth-factor=1');
await import('./start.ts');

function dotenvFolder() {
  try {
    return /^\s*DATA_DIR\s*=\s*["']?([^"'\n]*?)["']?\s*$/m.exec(readFileSync('.env', 'utf8'))?.[1];
  } catch {
    return undefined; // there is none
  }
}
