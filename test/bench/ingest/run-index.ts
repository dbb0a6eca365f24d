import path from 'node:path';
import { PROJECT_ROOT } from '../../helpers/workspace.js';
import { runCounted } from './counted.js';

export interface IndexJson {
  segments: number;
  videoSeconds: number;
  files: { path: string; outcome: string }[];
}

/** `cliptrace index` over an archive, in a process of its own, as it is without flags. */
export async function runIndex(archive: string, data: string) {
  const script = path.join(PROJECT_ROOT, 'dist/index/cli.js');
  const { stdout, wallMs, cpuMs } = await runCounted({
    command: process.execPath,
    args: [script, 'index', archive, '--json', '--data', data],
    goodCodes: [0, 3],
  });
  const report = JSON.parse(stdout) as IndexJson;
  const indexedPaths = report.files.filter(({ outcome }) => outcome === 'indexed').map((file) => file.path);
  return { ...report, indexedPaths, wallMs, cpuMs };
}
