import { type ChildEnd, FfmpegChild, type FfmpegRun } from './child-process.js';

export interface FramesEnd extends ChildEnd {
  /** What ffmpeg said at level error. */
  lines: string[];
}

/**
 * Runs ffmpeg and yields its stdout in pieces of `frameBytes`; each is the receiver's own. No more is read than is asked for:
 * the pipe fills and ffmpeg waits. The child is dead and reaped when the generator ends, however it ends.
 */
export async function* readFrames(run: FfmpegRun, frameBytes: number): AsyncGenerator<Uint8Array, FramesEnd> {
  const child = new FfmpegChild(run);
  try {
    let frame = new Uint8Array(frameBytes);
    let filled = 0;
    for (let bytes = await child.read(); bytes !== null; bytes = await child.read()) {
      let taken = 0;
      while (taken < bytes.length) {
        const part = bytes.subarray(taken, taken + frameBytes - filled);
        frame.set(part, filled);
        taken += part.length;
        filled += part.length;
        if (filled === frameBytes) {
          yield frame;
          frame = new Uint8Array(frameBytes);
          filled = 0;
        }
      }
    }
    const end = await child.wait();
    return { ...end, lines: child.stderr.lines(run.filePath) };
  } finally {
    await child.stop();
  }
}
