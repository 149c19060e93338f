import { homedir } from 'node:os';
import { prepareProcess } from './process-start.ts';
import { readSources } from './settings/sources.ts';

/** The edge of the process: what it was given, and its exit code. */
const sources = await readSources(process.env, process.argv.slice(2), { cwd: process.cwd(), home: homedir() });
prepareProcess(sources);
const { serve } = await import('./serve.ts');
process.exit(await serve(sources));
