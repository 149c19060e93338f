import type { OnProgress } from '../ports/backup.ts';
import { type Progress, progress } from './progress.ts';

/** Progress of work that goes through several phases: each has a line of its own. */
export function phases(): { onProgress: OnProgress } & Disposable {
  let [phase, line]: [string, Progress | null] = ['', null];
  return {
    onProgress(now) {
      if (now.phase !== phase) {
        line?.[Symbol.dispose]();
        [phase, line] = [now.phase, progress(`${now.phase.charAt(0).toUpperCase()}${now.phase.slice(1)} (${now.unit})`)];
      }
      line?.update(now.done, now.total ?? undefined);
    },
    [Symbol.dispose]: () => line?.[Symbol.dispose](),
  };
}
