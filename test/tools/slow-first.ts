import path from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Short files that take long. A fresh clone knows no durations and goes by size, which would leave one of these to the end, alone. */
const SLOW = [
  'test/cli/index-calibrate.test.ts',
  'test/server/mutated-uploads.test.ts',
  'test/clip-watch/kills.test.ts',
];

export default class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isSlow = ({ moduleId }: TestSpecification) =>
      SLOW.includes(path.relative(this.ctx.config.root, moduleId).split(path.sep).join('/'));
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))];
  }
}
