import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.{ts,tsx}'],
    environment: 'node',
    unstubGlobals: true,
    // A machine that does other things besides must not make a test fail.
    testTimeout: 60_000,
    // One worker is quicker than several here: starting one costs more than all the tests.
    pool: 'threads',
    poolOptions: { threads: { singleThread: true } },
  },
});
