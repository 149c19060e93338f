/** Names of collections in backups and restores. */

const OURS = 'hookwright_';
/** MADSci's, which says the version of its documents (M32). */
const MADSCI_VERSIONS = 'schema_versions';
/** They tell of servers that run, not of what is stored. */
const PASSING: ReadonlySet<string> = new Set(['hookwright_servers', 'hookwright_leaders', 'hookwright_signals', 'hookwright_restore']);

const STAGED = 'restoring_';
const REPLACED = 'before_restore_';

/** Whether a collection belongs to the store, and so into a backup of it. */
export function isStored(name: string, events: string): boolean {
  return name === events || name === MADSCI_VERSIONS || (name.startsWith(OURS) && !PASSING.has(name));
}

export const stagedName = (stamp: string, name: string): string => `${STAGED}${stamp}.${name}`;
export const replacedName = (stamp: string, name: string): string => `${REPLACED}${stamp}.${name}`;
export const isStaged = (name: string): boolean => name.startsWith(STAGED);

/** As mongodump writes names: what a file name should not have as its bytes in hexadecimal. */
export function fileNameOf(name: string): string {
  return encodeURIComponent(name).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Throws where the name is none that mongodump writes. */
export const nameOfFile = (file: string): string => decodeURIComponent(file);
