/** A backup as rotation sees it. */
export interface Kept {
  name: string;
  createdAt: number;
  /** Made by this software, of this store. */
  isOurs: boolean;
  isValid: boolean;
}

/** Names of the backups that are beyond `max`, oldest first: never one that is not ours, and never the newest that is valid. */
export function surplus(backups: readonly Kept[], max: number): string[] {
  const ours = backups.filter(({ isOurs }) => isOurs).sort((a, b) => b.createdAt - a.createdAt || (a.name < b.name ? 1 : -1));
  const newestValid = ours.find(({ isValid }) => isValid);
  return ours
    .slice(max)
    .filter((one) => one !== newestValid)
    .map(({ name }) => name)
    .reverse();
}
