import { availableParallelism } from 'node:os';

export default {
  testEnvironment: 'node',
  globalSetup: './test/support/global-setup.js',
  extensionsToTreatAsEsm: ['.ts'],
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/interop/'],
  testTimeout: 30_000,
  // Tests wait for processes more than they compute. Each worker may have servers and a mongod of its own, so there are few.
  maxWorkers: Math.min(4, Math.max(2, availableParallelism())),
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript', explicitResourceManagement: true }, target: 'esnext' }, module: { type: 'es6' } },
    ],
  },
};
