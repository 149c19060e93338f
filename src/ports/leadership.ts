/** Work that only one server at a time may do: schedules, retention, sweeps. */
export interface Leadership {
  /** Takes or keeps the lead for `ttlMs`; false while another server has it. 0 gives it up. Alone on a store, a server always leads. */
  lead(name: string, now: number, ttlMs: number): Promise<boolean>;
}
