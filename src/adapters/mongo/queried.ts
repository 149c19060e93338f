import { bounded, queryError } from './faults.ts';

export interface ReadLimits {
  deadlineMs: number;
  resultBytes: number;
}

/** How long an answer may take on its way, beyond the time that the database has for it. */
const GRACE_MS = 500;

/** Runs what a caller can make slow. The database stops by itself at the deadline; this is for when it does not answer at all. */
export async function queried<T>({ deadlineMs }: Pick<ReadLimits, 'deadlineMs'>, work: () => Promise<T>): Promise<T> {
  const named = async (): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw queryError(error);
    }
  };
  return bounded(named, deadlineMs + GRACE_MS);
}
