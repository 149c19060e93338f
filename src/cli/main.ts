import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from './program.ts';

/** The edge of the `hookwright` command. Exit codes: 0 done, 1 failed, 2 used wrongly or settings that cannot be used, 130 interrupted. */
enableCompileCache(join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'hookwright'));
process.exitCode = await runCommand(process.argv.slice(2));
