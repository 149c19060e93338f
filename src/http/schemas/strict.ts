import { z } from 'zod';

/**
 * An object that takes no other members. Of one that is there by mistake it says which name was likely meant: a misspelt
 * `ordering_keys` that is passed over in silence costs its author an afternoon.
 */
export function strict<Shape extends z.core.$ZodShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  const names = Object.keys(shape);
  const stranger = z.unknown().refine(() => false, { error: ({ path }) => strangerText(String(path?.at(-1)), names) });
  const object = z
    .object(shape)
    .catchall(stranger)
    .meta({ override: { additionalProperties: false } });
  // A catch-all widens the type to any member, but this one lets none pass.
  return object as unknown as z.ZodObject<Shape, z.core.$strict>;
}

function strangerText(name: string, names: readonly string[]): string {
  const near = nearestName(name, names);
  return near === null ? `There is no such member; there are ${names.join(', ')}` : `There is no such member: did you mean ${near}?`;
}

/** The name that differs from the word by the fewest changed letters, if those are few. */
function nearestName(word: string, names: readonly string[]): string | null {
  if (word.length > 64) return null;
  let nearest: string | null = null;
  let fewest = Math.max(2, Math.ceil(word.length / 3)) + 1;
  for (const name of names) {
    const changes = changesBetween(word.toLowerCase().replaceAll('-', '_'), name);
    if (changes < fewest) [nearest, fewest] = [name, changes];
  }
  return nearest;
}

/** Levenshtein's distance: letters inserted, left out or replaced. */
function changesBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + Number(a[i - 1] !== b[j - 1]);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
