import type { EventDefaults } from '../../src/core/event.ts';

export const MANAGER_ID = '01JDEM0000V2HS56D7JAAZ2MEY';
export const NEW_ID = '01JDEM0000NEWNEWNEWNEWNEW0';
export const NOW_TEXT = '2026-11-23T09:01:41.362436';
export const NOW_US = 1_795_424_501_362_436;

/** A standing clock at UTC and ids that never change. */
export const fixedDefaults: EventDefaults = {
  newId: () => NEW_ID,
  nowText: () => NOW_TEXT,
  nowUs: () => NOW_US,
  managerId: MANAGER_ID,
  naiveOffsetMinutes: () => 0,
};
