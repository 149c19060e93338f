/** Runs the task after those that came before it in the same lane, whether they succeeded or not. */
export type InTurn = <T>(lane: string, task: () => Promise<T>) => Promise<T>;

/** Writes that check first and act then must not overlap: each lane does one at a time, in the order of the calls. */
export function inTurn(): InTurn {
  const last = new Map<string, Promise<unknown>>();
  return (lane, task) => {
    const turn = (last.get(lane) ?? Promise.resolve()).then(task);
    const done = turn.then(noop, noop).then(() => {
      if (last.get(lane) === done) last.delete(lane);
    });
    last.set(lane, done);
    return turn;
  };
}

function noop(): void {}
