/**
 * The move of all data from one store to another. Each side bears a mark while it goes on, so that no server starts on half of the data,
 * and so that a move that was interrupted is known again:
 *
 *   source:  none ─▶ moving ─▶ moved          (a server refuses both; `--release` takes the mark away)
 *   target:  none ─▶ filling ─▶ filled        (a server refuses the first)
 */

/** The name under which a store keeps its mark among its settings; it is not moved. */
export const MOVE_SETTING = 'move';

export interface MoveMark {
  /** The same on both sides. */
  id: string;
  state: 'moving' | 'moved' | 'filling' | 'filled';
  /** The other side, for people. */
  other: string;
  /** Milliseconds since the epoch: when it began, or ended. */
  at: number;
  /** How far a target has been filled: every kind before `kind`, and of that kind all up to `after`. */
  reached?: Reached;
}
export interface Reached {
  kind: string;
  after: string | null;
  /** How many of that kind. */
  count: number;
}

export function markOf(text: string | null): MoveMark | null {
  return text === null ? null : (JSON.parse(text) as MoveMark);
}

export type MoveDecision =
  | { kind: 'begin'; clearFirst: boolean }
  | { kind: 'continue'; id: string; reached: Reached | null }
  | { kind: 'done'; at: number }
  | { kind: 'refuse'; why: string };

export interface MoveSituation {
  source: { place: string; mark: MoveMark | null };
  target: { place: string; mark: MoveMark | null /** What is in it, for people; null when nothing is. */; content: string | null };
  /** Whether what an unfinished move has left in the target may go. */
  startOver: boolean;
}

/** What a move from the one to the other means, given what both have been through. */
export function decideMove({ source, target, startOver }: MoveSituation): MoveDecision {
  const [from, to] = [source.mark, target.mark];
  if (from !== null && from.id === to?.id) {
    if (to.state === 'filled') return { kind: 'done', at: to.at };
    if (!startOver) return { kind: 'continue', id: from.id, reached: to.reached ?? null };
  }
  if (from?.state === 'filling')
    return refuse(
      `${source.place} holds only a part of ${from.other}: the move to it was not finished. Finish it first, by the same command.`,
    );
  if (from?.state === 'moved' && from.id !== to?.id)
    return refuse(
      `${source.place} was moved to ${from.other} (${day(from.at)}), and what came in since is only there. ` +
        'To use or move this older copy all the same, release it first: hookwright migrate-store --release.',
    );
  if (to?.state === 'filling') {
    if (startOver) return { kind: 'begin', clearFirst: true };
    return refuse(
      `${target.place} holds a part of ${to.other}, from another move that was not finished. ` +
        'Finish that one, or throw its part away and begin this move with --start-over.',
    );
  }
  if (target.content !== null)
    return refuse(`${target.place} is not empty: it holds ${target.content}. A move needs an empty store; name another one.`);
  return { kind: 'begin', clearFirst: false };
}

const refuse = (why: string): MoveDecision => ({ kind: 'refuse', why });
const day = (at: number): string => new Date(at).toISOString().slice(0, 16).replace('T', ' ').concat(' UTC');

/** Why no server may start on a store with this mark; null when it may. */
export function startRefusal(mark: MoveMark | null): string | null {
  switch (mark?.state) {
    case 'filling':
      return `This store holds only a part of ${mark.other}: the move to it was not finished. Run the same hookwright migrate-store again; it goes on where it stopped.`;
    case 'moving':
      return (
        `This store is being moved to ${mark.other} (begun ${day(mark.at)}). Run the same hookwright migrate-store again to finish that, ` +
        'or give it up: hookwright migrate-store --release, which names this store.'
      );
    case 'moved':
      return (
        `This store was moved to ${mark.other} (${day(mark.at)}): start the server there. ` +
        'To go back to this older copy all the same: hookwright migrate-store --release, which names this store.'
      );
    default:
      return null;
  }
}
