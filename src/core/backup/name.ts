/** Names of backups as MADSci has them (M16): `<database>_backup_%Y%m%d_%H%M%S_%f_<suffix>`, in UTC. */

const LONGEST_SUFFIX = 80;
/** Of a file name, most file systems take 255 bytes; a few are for what marks a backup that is being made. */
const LONGEST_NAME_BYTES = 240;
const NAME = /^(?!\.)[^\0/\\]+$/;
const MARK = '.partial-';

/** `at` in microseconds since the epoch. The suffix is the description without what a file name should not have. */
export function backupName(database: string, atUs: number, description: string): string {
  const suffix = description
    .normalize('NFC')
    .replaceAll(/[^\p{L}\p{N} ._-]/gu, '_')
    .slice(0, LONGEST_SUFFIX)
    .trim();
  const name = `${database}_backup_${timePart(atUs)}`;
  return suffix === '' ? name : `${name}_${clipped(suffix, LONGEST_NAME_BYTES - byteLength(name) - 1)}`;
}

function timePart(atUs: number): string {
  const ms = Math.floor(atUs / 1_000);
  const [day = '', time = ''] = new Date(ms).toISOString().split('T');
  const micros = String(atUs - ms * 1_000).padStart(3, '0');
  return `${day.replaceAll('-', '')}_${time.slice(0, 8).replaceAll(':', '')}_${time.slice(9, 12)}${micros}`;
}

/** Whether a text is the name of a folder beside others, and not a way to somewhere else. */
export const isPlainName = (text: string): boolean => NAME.test(text) && text !== '..' && byteLength(text) <= 255;

/** Under this name a backup is made, so that nobody takes it for one that is complete. */
export const partialName = (name: string): string => `${MARK}${name}`;
export const isPartial = (name: string): boolean => name.startsWith(MARK);

const encoder = new TextEncoder();
const byteLength = (text: string): number => encoder.encode(text).length;

/** As many whole characters as fit into so many bytes. */
function clipped(text: string, bytes: number): string {
  let kept = '';
  for (const char of text) {
    if (byteLength(kept + char) > bytes) break;
    kept += char;
  }
  return kept;
}
