import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ffmpeg } from '../fixtures/videos.js';
import { wrapFfmpeg } from '../helpers/ffmpeg-wrapper.js';
import { createWorkspace } from '../helpers/workspace.js';

const workspace = createWorkspace();
afterAll(() => workspace.remove());

test('a file of one frame among short ones is decoded again by itself, and the others still share their processes', async () => {
  mkdirSync(workspace.archive);
  for (let i = 0; i < 20; i += 1) {
    // Shorter than the distance of two frames at the encoder's rate, so that none is left.
    const length = i % 8 === 3 ? ['-frames:v', '1'] : ['-t', '1'];
    const source = `testsrc2=s=64x64:r=25,hue=h=${i * 17}`;
    const file = path.join(workspace.archive, `${String(i).padStart(2, '0')}.mp4`);
    await ffmpeg('-f', 'lavfi', '-i', source, ...length, '-c:v', 'mpeg4', file);
  }
  const log = path.join(workspace.root, 'inputs');
  const program = await wrapFfmpeg(`${workspace.root}/ffmpeg`, `echo "$all" >> '${log}'`);
  const env = { FFMPEG_PATH: program, CLIPTRACE_CONFINE: 'off' };
  const { code, stdout } = await workspace.cli(['index', workspace.archive, '--decodes', '1', '--json'], {
    env,
  });
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ counts: { indexed: 20, failed: 0 } });
  const inputs = readFileSync(log, 'utf8')
    .split('\n')
    .map((args) => args.split(' -i ').length - 1)
    .filter((count) => count > 1);
  // The first takes what is ready by then, the last what is left. Those between are full: no group is made smaller for such a file.
  const between = inputs.slice(1, -1);
  expect(between.length, inputs.join(', ')).toBeGreaterThan(0);
  expect(new Set(between), inputs.join(', ')).toEqual(new Set([8]));
});
