import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { createWorkspace, PROJECT_ROOT } from '../helpers/workspace.js';

const workspace = createWorkspace();
afterAll(() => workspace.remove());

test('the encoder tells nobody of itself: nothing is left in the home and temporary folders, and a long command line is no matter', async () => {
  const sample = await workspace.addSample('classroom.mp4');
  const folders = Object.fromEntries(
    ['HOME', 'TMPDIR', 'XDG_CACHE_HOME'].map((name) => [name, path.join(workspace.root, name)]),
  );
  for (const folder of Object.values(folders)) mkdirSync(folder);
  // Not the caller's environment: what says that tests run would keep ONNX Runtime quiet by itself.
  const env = { PATH: process.env.PATH, ...folders };
  const longName = `${path.dirname(sample)}${'/.'.repeat(120)}/${path.basename(sample)}`;
  const args = ['index', ...Array(300).fill(longName), '--data', workspace.data, '--json'];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [path.join(PROJECT_ROOT, 'dist/index/cli.js'), ...args],
    { env },
  );
  expect(JSON.parse(stdout)).toMatchObject({ counts: { indexed: 1 } });
  for (const folder of Object.values(folders)) expect(readdirSync(folder)).toEqual([]);
});
