/** The first place at which `isBeyond` holds, in a list where it holds for all that follow; the length when there is none. */
export function firstPlace<T>(list: readonly T[], isBeyond: (item: T) => boolean): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBeyond(list[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low;
}

export const byText = <T extends { text: string; order: number }>(a: T, b: T): number =>
  a.text < b.text ? -1 : a.text > b.text ? 1 : a.order - b.order;
export const byTime = <T extends { us: number; order: number }>(a: T, b: T): number => a.us - b.us || a.order - b.order;

/** Values by key, in the order in which they came. */
export function grouped<T>(pairs: Iterable<readonly [key: string, value: T]>): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const [key, value] of pairs) {
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [value]);
    else group.push(value);
  }
  return groups;
}
