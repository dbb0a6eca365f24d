import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import SlowFirst from './test/tools/slow-first.js';

const builtWorkers = fileURLToPath(new URL('./test/tools/built-worker-thread.ts', import.meta.url));

export default defineConfig({
  resolve: { alias: [{ find: /^.*\/threads\/worker-thread\.js$/, replacement: builtWorkers }] },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/helpers/build-once.ts'],
    // Real children, real files: generous, so that a busy machine does not fail a right answer.
    testTimeout: 120_000,
    hookTimeout: 180_000,
    pool: 'forks',
    // More than there may be processors: many tests wait for children that wait themselves.
    maxWorkers: 3,
    sequence: { sequencer: SlowFirst },
  },
});
