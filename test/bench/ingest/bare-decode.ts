import { rmSync, writeFileSync } from 'node:fs';
import { devNull } from 'node:os';
import type { Preprocessing } from '../../../index/encoder/manifest.js';
import { clipOutput } from '../../../index/media/decode-arguments.js';
import { runCounted } from './counted.js';

/** Its second argument is a list of paths, each followed by a zero byte; the command is what comes behind it, `{}` being a path. */
const FOR_EACH = 'processes=$1 list=$2; shift 2; exec xargs -0 -P "$processes" -I {} "$@" < "$list"';

/**
 * Processor time of one bare ffmpeg a file, of one thread each, that makes the frames of the clips and throws them away. Counted
 * together: what a shell says of a child is cut to hundredths of a second, which for short files is a tenth.
 */
export async function bareDecode(options: {
  ffmpeg: string;
  filePaths: readonly string[];
  preprocessing: Preprocessing;
  /** Side by side. */
  processes: number;
  /** For a list of the files, while it runs. */
  listPath: string;
}): Promise<number> {
  const { ffmpeg, filePaths, preprocessing, processes, listPath } = options;
  const output = clipOutput({ preprocessing, stream: '0:V:0', descriptor: 1 }).slice(0, -1);
  const decode = [ffmpeg, '-nostdin', '-v', 'error', '-threads', '1', '-i', '{}', ...output, '-y', devNull];
  writeFileSync(listPath, filePaths.map((filePath) => `${filePath}\0`).join(''));
  try {
    const args = ['-c', FOR_EACH, 'sh', String(processes), listPath, ...decode];
    return (await runCounted({ command: '/bin/sh', args })).cpuMs;
  } finally {
    rmSync(listPath);
  }
}
