import { randomFillSync } from 'node:crypto';
import { monotonicFactory } from 'ulid';

const POOL_SIZE = 1_024;

/** ULIDs that rise within this process. The random numbers come by the thousand: asking for each costs more than the rest of the id. */
export function ulidFactory(): () => string {
  const pool = new Uint32Array(POOL_SIZE);
  let next = POOL_SIZE;
  const random = (): number => {
    if (next === POOL_SIZE) {
      randomFillSync(pool);
      next = 0;
    }
    return (pool[next++] as number) / 2 ** 32;
  };
  const factory = monotonicFactory(random);
  return () => factory();
}
