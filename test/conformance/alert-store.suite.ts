import { expect } from '@jest/globals';
import { type Options, suite, T0 } from './subject.ts';

const SECOND = 1_000_000;
const at = (id: string, atUs = T0 * 1_000) => ({ id, atUs });

export function alertStoreConformance(adapter: string, options: Options): void {
  suite(`AlertStore: ${adapter}`, options, (it) => {
    it('takes the second of two alerts under one key for a twin, and no third one', async ({ alerts }) => {
      expect(await alerts.isTwin('k', at('a'), T0)).toBe(false);
      expect(await alerts.isTwin('k', at('b', T0 * 1_000 + 4_000), T0)).toBe(true);
      expect(await alerts.isTwin('k', at('c', T0 * 1_000 + 5_000), T0)).toBe(false);
      expect(await alerts.isTwin('k', at('d', T0 * 1_000 + 9_000), T0)).toBe(true);
    });

    it('answers the same whenever it is asked again', async ({ alerts }) => {
      for (let n = 0; n < 3; n++) {
        expect(await alerts.isTwin('k', at('a'), T0 + n)).toBe(false);
        expect(await alerts.isTwin('k', at('b'), T0 + n)).toBe(true);
        expect(await alerts.isTwin('k', at('c'), T0 + n)).toBe(false);
      }
    });

    it('takes alerts under other keys, or further apart, for what they are', async ({ alerts }) => {
      expect(await alerts.isTwin('k', at('a'), T0)).toBe(false);
      expect(await alerts.isTwin('other', at('b'), T0)).toBe(false);
      expect(await alerts.isTwin('k', at('c', T0 * 1_000 + SECOND + 1), T0)).toBe(false);
      expect(await alerts.isTwin('k', at('d', T0 * 1_000 - SECOND), T0)).toBe(true);
    });

    it('pairs those that come at the same moment, as many twins as alerts', async ({ alerts }) => {
      const twins = await Promise.all(Array.from({ length: 20 }, (_, n) => alerts.isTwin('k', at(`e${n}`), T0)));
      expect(twins.filter(Boolean)).toHaveLength(10);
    });

    it('remembers over a restart', async (subject) => {
      expect(await subject.alerts.isTwin('k', at('a'), T0)).toBe(false);
      await using again = await subject.reopen();
      expect(await again.alerts.isTwin('k', at('b'), T0 + 60_000)).toBe(true);
      expect(await again.alerts.isTwin('k', at('a'), T0 + 60_000)).toBe(false);
    });
  });
}
