import base from '../../jest.config.js';

/** Tests against real software of others; `npm test` leaves them out, since they need Python. */
export default {
  ...base,
  rootDir: '../..',
  testMatch: ['<rootDir>/test/interop/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 300_000,
};
