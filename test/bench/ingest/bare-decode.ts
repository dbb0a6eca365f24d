import { devNull } from 'node:os';
import type { Preprocessing } from '../../../index/encoder/manifest.js';
import { clipOutput } from '../../../index/media/decode-arguments.js';
import { runCounted } from './counted.js';

/** Processor time of one bare ffmpeg a file, of one thread each, that makes the frames of the clips and throws them away. */
export async function bareDecode(options: {
  ffmpeg: string;
  filePaths: readonly string[];
  preprocessing: Preprocessing;
  /** Side by side. */
  processes: number;
}): Promise<number> {
  const { ffmpeg, preprocessing, processes } = options;
  const output = clipOutput({ preprocessing, stream: '0:V:0', descriptor: 1 }).slice(0, -1);
  const waiting = [...options.filePaths];
  let cpuMs = 0;
  const work = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const args = ['-nostdin', '-v', 'error', '-threads', '1', '-i', file, ...output, '-y', devNull];
      const counted = await runCounted({ command: ffmpeg, args });
      // Not in one expression with the await: the sum would be read before it, and what other workers add be lost.
      cpuMs += counted.cpuMs;
    }
  };
  await Promise.all(Array.from({ length: processes }, work));
  return cpuMs;
}
