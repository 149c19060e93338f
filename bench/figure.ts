/** One line of the table: what was measured, against what, and what it should be. */
export interface Figure {
  name: string;
  /** What `subject` and `baseline` count, such as 'req/s'. */
  unit: string;
  subject: number;
  /** Null where the target is a plain number. */
  baseline: number | null;
  /** Median of the ratios of the rounds; null without a baseline. */
  ratio: number | null;
  /** Null: shown for what it explains, and not judged. */
  target: Target | null;
  note?: string;
}
export interface Measured extends Figure {
  /** Cores that other programs took meanwhile; null where the system does not tell. */
  otherLoad: number | null;
  /** Of the disk, right before. */
  fdatasyncMs: number;
}
export interface Target {
  of: 'ratio' | 'subject';
  least?: number;
  most?: number;
}

export function isMet({ subject, ratio, target }: Figure): boolean | null {
  if (target === null) return null;
  const value = target.of === 'ratio' ? ratio : subject;
  if (value === null) return false;
  return value >= (target.least ?? Number.NEGATIVE_INFINITY) && value <= (target.most ?? Number.POSITIVE_INFINITY);
}

/** Says what is going on, for as long as it goes on. */
export type Progress = (text: string) => void;

export interface Bench {
  size: 'small' | 'full';
  progress: Progress;
}

/** Answers its figures, or throws Broken when what it measured is not what it meant to measure. */
export type Measure = (bench: Bench) => Promise<Figure[]>;

/** A measurement whose counts do not add up: its numbers mean nothing. */
export class Broken extends Error {
  override readonly name = 'Broken';
}

export function assertCount(what: string, found: number, expected: number): void {
  if (found !== expected) throw new Broken(`${what}: ${found} instead of ${expected}`);
}
