/** `cursor` is opaque: what `nextCursor` of the page before was. */
export interface PageRequest {
  limit: number;
  cursor: string | null;
}
export interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}
