import type { Progress } from './figure.ts';

/** Every side once a round, in turned order every other round, so that none always runs on what another has heated up. */
export async function interleave<Side extends string>(options: {
  rounds: number;
  sides: Record<Side, () => Promise<number>>;
  progress: Progress;
}): Promise<Record<Side, number[]>> {
  const names = Object.keys(options.sides) as Side[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Side, number[]>;
  for (let round = 0; round < options.rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      options.progress(`round ${round + 1} of ${options.rounds}: ${name}`);
      samples[name].push(await options.sides[name]());
    }
  }
  return samples;
}
