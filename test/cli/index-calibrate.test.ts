import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { ffmpeg } from '../fixtures/videos.js';
import { runMain, type Said } from '../helpers/run-main.js';
import { createWorkspace } from '../helpers/workspace.js';

const workspace = createWorkspace();
afterAll(() => workspace.remove());

function run(...args: readonly string[]): Promise<Said> {
  return runMain([...args, '--data', workspace.data], process.env);
}

it('index leaves the fitting of scores in the queue, and says so; index --calibrate does it', async () => {
  const folder = path.join(workspace.root, 'many');
  mkdirSync(folder);
  for (let hue = 0; hue < 25; hue += 1) {
    const file = path.join(folder, `${hue}.mp4`);
    await ffmpeg('-f', 'lavfi', '-i', `testsrc2=s=64x64:r=8:d=4,hue=h=${hue * 14}`, '-c:v', 'mpeg4', file);
  }
  expect(await run('index', folder)).toMatchObject({ code: 0, err: expect.stringContaining('--calibrate') });
  expect((await run('jobs')).out).toMatch(/queued.*fit the scores/);
  const again = await run('index', folder, '--calibrate');
  expect(again).toMatchObject({ code: 0, err: expect.stringContaining('Fitting the scores') });
  expect((await run('jobs')).out).not.toMatch(/queued/);
}, 500_000);
