import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSegmentIndex } from '../../index/vectors/index-follower.js';
import { MODEL } from '../library/library-inputs.js';
import { flipBit, snapshotFiles } from '../vectors/snapshot-files.js';
import { randomNumbers, unitVectors } from '../vectors/vectors.js';
import { openForTest, SEGMENTS_OF_A_VIDEO, soundFolder, VIDEO_COUNT, verify } from './sound-folder.js';

const STEPS = 12;

describe('a snapshot of which any bit is flipped, that is cut anywhere, or deleted', () => {
  it('is found by verify, and built anew by --repair and by any start, with the same answers', async () => {
    const folder = await soundFolder();
    const { vectorsFolder } = folder.dataFolder;
    const files = snapshotFiles(vectorsFolder);
    const whole = { graph: readFileSync(files.graph), sidecar: readFileSync(files.sidecar) };
    const library = await openForTest(folder, 'read');
    const open = () => openSegmentIndex({ library, model: MODEL, folder: vectorsFolder, writable: false });
    const queries = unitVectors(10, MODEL.dimension, 5);
    const sound = await open();
    const answers = (await sound.index.search(queries, 10)).map(({ ids }) => ids);
    await sound.index.close();

    const random = randomNumbers(21);
    for (let step = 0; step < STEPS; step += 1) {
      const part = step % 2 === 0 ? 'graph' : 'sidecar';
      const position = Math.floor(random() * whole[part].length);
      const how = ['flip', 'flip', 'cut', 'cut', 'delete', 'delete'][step % 6] as string;
      if (how === 'flip') flipBit(files[part], position, step % 8);
      else if (how === 'cut') writeFileSync(files[part], whole[part].subarray(0, position));
      else rmSync(files[part]);
      const what = `${how} ${part} at ${position}`;

      const report = await verify(folder);
      expect(report.status, what).toBe('repairable');
      const codes = report.problems.map(({ code }) => code);
      expect(codes, what).toContainEqual(expect.stringMatching(/^SNAPSHOT_(DAMAGED|MISSING)$/));
      if (step % 4 === 0) {
        expect(await verify(folder, { repair: true }), what).toMatchObject({
          status: 'repaired',
          remaining: [],
        });
      } else {
        const { index, opening } = await open();
        expect(opening, what).toMatchObject({
          how: 'rebuilt',
          segmentCount: VIDEO_COUNT * SEGMENTS_OF_A_VIDEO,
        });
        expect(
          (await index.search(queries, 10)).map(({ ids }) => ids),
          what,
        ).toEqual(answers);
        await index.close();
      }
      for (const name of readdirSync(vectorsFolder)) rmSync(join(vectorsFolder, name));
      writeFileSync(files.graph, whole.graph);
      writeFileSync(files.sidecar, whole.sidecar);
    }
    expect(await verify(folder)).toMatchObject({ status: 'sound' });
  }, 300_000);
});
