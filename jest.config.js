export default {
  testEnvironment: 'node',
  globalSetup: './test/support/global-setup.js',
  reporters: ['default', './test/support/must-end.js'],
  extensionsToTreatAsEsm: ['.ts'],
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/interop/'],
  // For tests that hang: many start servers and databases, which takes its time on a busy machine.
  testTimeout: 120_000,
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript', explicitResourceManagement: true }, target: 'esnext' }, module: { type: 'es6' } },
    ],
  },
};
