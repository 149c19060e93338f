import { naiveDateText } from './json.ts';

const DAY_MS = 86_400_000;

/** How long things are kept, in days. */
export interface RetentionRules {
  /** Whether events are archived and deleted by age. */
  isEnabled: boolean;
  archiveAfterDays: number;
  /** Counted from archiving. */
  deleteAfterDays: number;
  /** Executions that ended well or were canceled, from their end; 0 keeps them. Dead ones wait for a person (G5). */
  executionDays: number;
  /** Mails that were sent, from then; 0 keeps them. Failed ones wait for a person. */
  mailDays: number;
}

/** Instants in milliseconds; null where nothing of the kind goes. */
export interface Cutoffs {
  /** Text that event_timestamp is compared with, as MADSci writes the instant (M31). */
  archiveBefore: string | null;
  deleteBefore: number | null;
  executionsBefore: number | null;
  mailsBefore: number | null;
}

export function cutoffsAt(now: number, rules: RetentionRules): Cutoffs {
  const before = (days: number): number => now - days * DAY_MS;
  return {
    archiveBefore: rules.isEnabled ? utcText(before(rules.archiveAfterDays)) : null,
    deleteBefore: rules.isEnabled ? before(rules.deleteAfterDays) : null,
    executionsBefore: rules.executionDays > 0 ? before(rules.executionDays) : null,
    mailsBefore: rules.mailDays > 0 ? before(rules.mailDays) : null,
  };
}

/** `2026-01-31T12:00:00.250000+00:00`: the text that the original compares with, so that the same events go. */
const utcText = (at: number): string => `${naiveDateText(new Date(at))}+00:00`;

/**
 * Nothing that is deleted comes back, so the clock is not believed when it runs ahead of what the store has seen: it may be further on than
 * the last look by a quarter of the shortest period, at least a day. A server that was stopped for longer, or whose clock was set wrongly,
 * waits for a person. So a wrong clock makes nothing go earlier than by that quarter.
 */
export function longestGapMs({ isEnabled, archiveAfterDays, deleteAfterDays, executionDays, mailDays }: RetentionRules): number {
  const periods = [...(isEnabled ? [archiveAfterDays, deleteAfterDays] : []), executionDays, mailDays].filter((days) => days > 0);
  return Math.max(DAY_MS, Math.min(...periods, 400) * (DAY_MS / 4));
}

export type ClockVerdict = { kind: 'trusted'; mark: number } | { kind: 'ahead'; byMs: number };

/**
 * `mark`: the latest instant that was believed, null before the first look. `isSettled`: the clock has been behind the mark for as long as
 * this server looks; then the mark was wrong, and goes back. A clock that is behind for a moment only does not move it.
 */
export function judgeClock(o: {
  now: number;
  mark: number | null;
  longestGapMs: number;
  isConfirmed: boolean;
  isSettled: boolean;
}): ClockVerdict {
  const { now, mark } = o;
  if (mark === null || o.isConfirmed) return { kind: 'trusted', mark: now };
  if (now - mark > o.longestGapMs) return { kind: 'ahead', byMs: now - mark };
  if (mark - now > o.longestGapMs && o.isSettled) return { kind: 'trusted', mark: now };
  return { kind: 'trusted', mark: Math.max(now, mark) };
}

/**
 * The number from which on everything came after `before`, found by halving: numbers go up with arrival. What claims to come from
 * the future (`now` and later) came while a clock was wrong and says nothing, so it is passed by.
 */
export async function boundary(o: {
  highest: number;
  before: number;
  now: number;
  /** The first one at or after a number. */
  at(number: number): Promise<{ number: number; createdAt: number } | null>;
}): Promise<number> {
  let [low, high] = [0, o.highest + 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const found = await o.at(middle);
    if (found === null || (found.createdAt >= o.before && found.createdAt < o.now)) high = middle;
    else low = found.number + 1;
  }
  return low;
}
