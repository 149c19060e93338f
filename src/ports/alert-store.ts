/** Remembers alerts that may have a twin (M56), so that restarts and other servers take the same two for one. */
export interface AlertStore {
  /**
   * Whether the alert is the twin of one that was put under the same key before, as `pairUp` of core/alert.ts decides; atomic over all
   * servers. The same alert again gets the same answer, for some days. `now` is milliseconds since the epoch.
   */
  isTwin(key: string, alert: { id: string; atUs: number }, now: number): Promise<boolean>;
}

/** How long an alert that may have a twin is remembered: longer than any execution waits for its turn. */
export const TWIN_MEMORY_MS = 7 * 24 * 3_600_000;
