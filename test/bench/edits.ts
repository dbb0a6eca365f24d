import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_ROOT } from '../helpers/workspace.js';
import { runIndex } from './ingest/run-index.js';

/**
 * `npm run bench -- edits FOLDER [FLAGS]`: indexes the folder into a library of its own and asks `cliptrace evaluate --protocol edits`, with the flags of
 * that command (`--parts 100 --json`), how well edited parts of its videos are found.
 */
export async function benchEdits([folder, ...flags]: readonly string[]): Promise<void> {
  if (!folder) throw new Error('Usage: npm run bench -- edits FOLDER [flags of `cliptrace evaluate`]');
  const root = await mkdtemp(path.join(tmpdir(), 'cliptrace-bench-'));
  const data = path.join(root, 'data');
  const script = path.join(PROJECT_ROOT, 'dist/index/cli.js');
  try {
    const { indexedPaths, segments } = await runIndex(path.resolve(folder), data);
    process.stderr.write(`${indexedPaths.length} videos, ${segments} segments\n`);
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [script, 'evaluate', '--protocol', 'edits', '--data', data, ...flags],
      { maxBuffer: 2 ** 28 },
    );
    process.stdout.write(stdout);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
