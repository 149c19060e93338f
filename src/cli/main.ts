import { enableCompileCache } from 'node:module';
import { runCommand } from './program.ts';

/** The edge of the `hookwright` command. Exit codes: 0 done, 1 failed, 2 used wrongly or settings that cannot be used, 130 interrupted. */
enableCompileCache();
process.exitCode = await runCommand(process.argv.slice(2));
