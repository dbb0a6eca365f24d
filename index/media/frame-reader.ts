import type { FfmpegChild } from './child-process.js';

/**
 * Yields an output of ffmpeg in pieces of `frameBytes`, each in the same memory: it holds until the next one is asked for. No more is
 * read than is asked for: the pipe fills and ffmpeg waits. Who started the child stops it.
 */
export async function* readFrames(
  child: FfmpegChild,
  output: number,
  frameBytes: number,
): AsyncGenerator<Uint8Array, void> {
  const frame = new Uint8Array(frameBytes);
  let filled = 0;
  for (let bytes = await child.read(output); bytes !== null; bytes = await child.read(output)) {
    let taken = 0;
    while (taken < bytes.length) {
      const part = bytes.subarray(taken, taken + frameBytes - filled);
      frame.set(part, filled);
      taken += part.length;
      filled += part.length;
      if (filled === frameBytes) {
        filled = 0;
        yield frame;
      }
    }
  }
}
