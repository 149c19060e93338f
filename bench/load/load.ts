import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { startPart, track } from '../processes.ts';

export interface LoadRequest {
  url: string;
  body: string;
  connections: number;
  seconds: number;
}
export interface LoadResult {
  requests: number;
  /** Of them, answered by anything but success, or not at all. */
  failed: number;
  seconds: number;
  p99Ms: number;
}

const SCRIPT = fileURLToPath(new URL('post.lua', import.meta.url));

/** wrk takes the least from the machine that the servers share with it; autocannon comes with the development install. */
export const LOAD_TOOL: 'wrk' | 'autocannon' = spawnSync('wrk', ['--version']).error === undefined ? 'wrk' : 'autocannon';

/** Posts the same body again and again over `connections` connections, each waiting for its answer. */
export async function postLoad(request: LoadRequest): Promise<LoadResult> {
  if (LOAD_TOOL === 'wrk') return byWrk(request);
  await using part = await startPart<string, LoadRequest, LoadResult>(new URL('autocannon.ts', import.meta.url));
  return await part.ask(request);
}

function byWrk({ url, body, connections, seconds }: LoadRequest): Promise<LoadResult> {
  const { promise, resolve, reject } = Promise.withResolvers<LoadResult>();
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', SCRIPT, url];
  const child = execFile('wrk', args, { env: { ...process.env, BENCH_BODY: body }, timeout: seconds * 1000 + 10_000 }, (error, stdout) => {
    if (error !== null) reject(error);
    else resolve(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as LoadResult);
  });
  track(child);
  return promise;
}
