import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { main } from '../../index/cli/program.js';
import { ffmpeg } from '../fixtures/videos.js';
import { createWorkspace } from '../helpers/workspace.js';

const workspace = createWorkspace();
afterAll(() => workspace.remove());

async function run(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const terminal = {
    out: (text: string) => {
      out += `${text}\n`;
    },
    err: (text: string) => {
      err += `${text}\n`;
    },
    interactive: false,
  };
  const code = await main([...args, '--data', workspace.data], { env: process.env, terminal });
  return { code, out, err };
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
