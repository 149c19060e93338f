import type { Manifest, StoreKind } from '../core/backup/manifest.ts';

/** How far a long piece of work is; `total` is null while it is not known. */
export interface Progress {
  phase: string;
  done: number;
  total: number | null;
  unit: 'bytes' | 'documents';
}
export type OnProgress = (progress: Progress) => void;

export interface CopyContent {
  schema: number;
  consistent: boolean;
  counts: Record<string, number>;
}

/** The files of a backup. Whatever is read through this is a plain file inside the backup's folder. */
export interface CopyFiles {
  readonly manifest: Manifest;
  /** Where the file is, for what can only be opened by its path; throws `backup_damaged` when that is no plain file. */
  pathOf(file: string): Promise<string>;
  /** The bytes in order. Throws `backup_damaged` at the end when they have not the size and the hash that the manifest says. */
  read(file: string): AsyncIterable<Uint8Array>;
}

/** What a store offers so that it can be copied and put back. Errors have texts for people. */
export interface BackupStore {
  readonly kind: StoreKind;
  /** The newest schema that this release can read. */
  readonly schema: number;
  /** How many bytes a copy takes, more or less; 0 when there is nothing to copy. */
  size(): Promise<number>;
  /** Writes a copy of everything into an empty folder, whatever the store's schema, while servers go on working. */
  copy(folder: string, onProgress: OnProgress): Promise<CopyContent>;
  /** Reads all of a copy whose files are known to be whole, and throws when it could not be put back as the manifest says. */
  test(files: CopyFiles, onProgress: OnProgress): Promise<void>;
  /** Puts a copy back into a scratch place, looks at it there and takes it away again. */
  rehearse(files: CopyFiles, onProgress: OnProgress): Promise<void>;
  /**
   * Replaces the store by a copy. Throws before anything has changed while a server uses the store. The copy is first laid beside the
   * store and compared with the hashes; then the two change places, of which an interruption at any moment leaves the one or the other.
   * Answers where the store that was replaced is, or null when there was none.
   */
  restore(files: CopyFiles, onProgress: OnProgress): Promise<string | null>;
  /** Leaves a setting for the server that starts next, in a store that no server uses. */
  note(name: string, value: string): Promise<void>;
  /** Ends a restore that was interrupted while the stores changed places; false when there is none. */
  finish(): Promise<boolean>;
}

/** A backup in the folder of backups. */
export interface StoredBackup {
  name: string;
  path: string;
  createdAt: number;
  bytes: number;
  /** Who made it: this software, or MADSci's tool. */
  maker: 'hookwright' | 'madsci';
  manifest: Manifest | null;
  /** Why it cannot be used; null when everything that can be seen without reading all of it is right. */
  fault: string | null;
}

/** The folder that holds backups. Only one process at a time makes or removes backups in it. */
export interface BackupFolder {
  readonly path: string;
  /** Takes the folder for this process, and removes what interrupted backups left. Throws `backup_running` while another has it. */
  lock(): Promise<AsyncDisposable>;
  /** Newest first. */
  list(): Promise<StoredBackup[]>;
  find(name: string): Promise<StoredBackup>;
  /** Makes a backup: `write` fills a new folder, which gets its name only when all of it is on the disk. */
  create(name: string, write: (folder: string) => Promise<Omit<Manifest, 'files'>>, onProgress: OnProgress): Promise<StoredBackup>;
  /** A backup that lies anywhere, by its path. */
  at(path: string): Promise<StoredBackup>;
  /** Compares every file with its hash. Throws `backup_damaged`. */
  check(backup: StoredBackup, onProgress: OnProgress): Promise<void>;
  /** Throws `backup_damaged` for a backup with a fault. */
  files(backup: StoredBackup): CopyFiles;
  /** A text that changes when the files of a backup do, as far as can be seen without reading them. */
  signature(backup: StoredBackup): Promise<string>;
  remove(name: string): Promise<void>;
  /** Free bytes where the folder is. */
  room(): Promise<number>;
}

export interface MakeRequest {
  description: string;
  /** Milliseconds; for a backup of the schedule. */
  scheduledFor: number | null;
}
export interface BackupStatus {
  path: string;
  createdAt: number;
  bytes: number;
  isValid: boolean;
  scheduledFor: number | null;
}

/** Makes backups of the store that the server uses, where they take nothing of the time of requests. */
export interface BackupMaker extends AsyncDisposable {
  /** Answers where the backup is. Throws backup_running or backup_failed; or shutting_down when it was cut off by `Symbol.asyncDispose`. */
  make(request: MakeRequest): Promise<string>;
  /** Newest first. */
  list(): Promise<BackupStatus[]>;
}
