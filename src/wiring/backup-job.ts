import type { ErrorCode } from '../core/errors.ts';
import type { BackupSettings } from './backups.ts';

/** What the process that makes backups is asked for, and what it answers. */
export type BackupJob =
  | { kind: 'create'; settings: BackupSettings; description: string; scheduledFor: number | null }
  /** Compares every byte of these backups with its hash. */
  | { kind: 'check'; settings: BackupSettings; names: string[] };

export type BackupReply =
  | { kind: 'created'; name: string; path: string; removed: string[] }
  | { kind: 'checked'; faults: Record<string, string | null> }
  | { kind: 'failed'; code: ErrorCode; message: string };
