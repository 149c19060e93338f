/** Which members of the document a selector can look at. */
import type { Selector } from './selector.ts';

/** Whether nothing but these members of the document decides it. */
export function looksOnlyAt(selector: Selector, members: ReadonlySet<string>): boolean {
  switch (selector.op) {
    case 'always':
      return true;
    case 'field':
      return members.has(selector.path.parts[0] ?? '');
    default:
      return selector.clauses.every((clause) => looksOnlyAt(clause, members));
  }
}
