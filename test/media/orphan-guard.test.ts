import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { PROJECT_ROOT } from '../helpers/workspace.js';

const SCRIPT = `
  import { closeSync, openSync } from 'node:fs';
  import { OrphanGuard } from './dist/index/media/orphan-guard.js';
  const guard = new OrphanGuard();
  const files = [];
  try { for (;;) files.push(openSync('/dev/null')); } catch (error) { console.log(error.code); }
  guard.add(2 ** 30);
  await new Promise((resolve) => setTimeout(resolve, 100));
  for (const file of files) closeSync(file);
  guard.add(2 ** 30 + 1);
  guard.remove(2 ** 30);
  guard.remove(2 ** 30 + 1);
  console.log('goes on');
`;

it.runIf(process.platform === 'linux')(
  'a guard that cannot be started for want of open files harms nothing',
  () => {
    const { stdout, stderr } = spawnSync(
      'sh',
      ['-c', 'ulimit -n 64; exec "$0" --input-type=module -e "$1"', process.execPath, SCRIPT],
      { cwd: PROJECT_ROOT, encoding: 'utf8' },
    );
    expect([stdout, stderr]).toEqual(['EMFILE\ngoes on\n', '']);
  },
);
