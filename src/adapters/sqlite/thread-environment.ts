import { getCompileCacheDir } from 'node:module';

/** Nothing of the server's environment, but the compile cache, which threads do not inherit otherwise: each saves 11 MB and half its start. */
export function threadEnvironment(): Record<string, string> {
  const folder = getCompileCacheDir();
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: folder };
}
