/** The one folder on the server below which requests may have reports saved. */
export interface ExportFolder {
  /** Where it is. */
  readonly path: string;
  /**
   * Writes a file below the folder, complete or not at all, and replaces one of that name; folders on the way are made.
   * Follows no link. Answers why not, when the disk or what lies in the way refuses it.
   */
  save(place: readonly string[], name: string, text: string): Promise<{ ok: true } | { ok: false; reason: string }>;
}
