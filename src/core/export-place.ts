const MAX_DEPTH = 16;
const MAX_NAME_BYTES = 200;
const MAX_LENGTH = 2_000;

/** Folders below the export folder, or why the path cannot be taken. */
export type ExportPlace = { ok: true; place: string[] } | { ok: false; reason: string };

/** Reads the folder that a client names: below `root`, which it may name too, and never outside (M21, RELIABILITY 19). */
export function exportPlace(path: string, root: string): ExportPlace {
  if (path.length > MAX_LENGTH) return refused('is too long');
  const below = path === root ? '' : path.startsWith(`${root}/`) ? path.slice(root.length + 1) : path;
  if (below.startsWith('/')) return refused('must lie below the export folder of the server, so give a path such as reports/march');
  const place = below.split('/').filter((name) => name !== '' && name !== '.');
  if (place.length > MAX_DEPTH) return refused(`may have at most ${MAX_DEPTH} folders`);
  const strange = place.find((name) => !isPlain(name));
  return strange === undefined ? { ok: true, place } : refused(`has a name that is not taken: ${JSON.stringify(strange.slice(0, 100))}`);
}

const refused = (what: string): ExportPlace => ({ ok: false, reason: `output_path ${what}` });

/** No way up, nothing hidden, nothing that a shell or another system would read differently. */
function isPlain(name: string): boolean {
  return !name.startsWith('.') && !/[\p{C}\\:%]/u.test(name) && new TextEncoder().encode(name).length <= MAX_NAME_BYTES;
}
