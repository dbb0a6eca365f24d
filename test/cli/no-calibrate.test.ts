import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { main } from '../../index/cli/program.js';
import { ffmpeg } from '../fixtures/videos.js';
import { createWorkspace } from '../helpers/workspace.js';

const workspace = createWorkspace();
afterAll(() => workspace.remove());

async function run(...args: readonly string[]): Promise<{ code: number; out: string }> {
  let out = '';
  const terminal = {
    out: (text: string) => {
      out += `${text}\n`;
    },
    err: () => undefined,
    interactive: false,
  };
  const code = await main([...args, '--data', workspace.data], { env: process.env, terminal });
  return { code, out };
}

it('index --no-calibrate leaves the fitting of scores in the queue; jobs run does it', async () => {
  const folder = path.join(workspace.root, 'many');
  mkdirSync(folder);
  for (let hue = 0; hue < 25; hue += 1) {
    const file = path.join(folder, `${hue}.mp4`);
    await ffmpeg('-f', 'lavfi', '-i', `testsrc2=s=64x64:r=8:d=4,hue=h=${hue * 14}`, '-c:v', 'mpeg4', file);
  }
  expect((await run('index', folder, '--no-calibrate')).code).toBe(0);
  expect((await run('jobs')).out).toMatch(/queued.*fit the scores/);
  expect((await run('jobs', 'run')).code).toBe(0);
  expect((await run('jobs')).out).not.toMatch(/queued/);
}, 200_000);
