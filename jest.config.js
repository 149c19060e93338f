export default {
  testEnvironment: 'node',
  globalSetup: './test/support/global-setup.js',
  reporters: ['default', './test/support/must-end.js'],
  extensionsToTreatAsEsm: ['.ts'],
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/interop/'],
  testTimeout: 30_000,
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript', explicitResourceManagement: true }, target: 'esnext' }, module: { type: 'es6' } },
    ],
  },
};
