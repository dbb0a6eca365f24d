import { availableParallelism } from 'node:os';
import { formatTable } from '../../index/cli/output.js';
import { latticeClip } from '../../index/encoder/check-input.js';
import { manifestPathOf } from '../../index/encoder/model-store.js';
import { openEncoder } from '../../index/encoder/onnx-encoder.js';
import { readSettings } from '../../index/settings.js';
import { measure, percentile } from './measure.js';

const BATCHES = [1, 2, 4, 8];
const ROUNDS = 12;

/** Milliseconds a clip by threads and batch size, of the shipped encoder or that of CLIPTRACE_MODEL. */
export async function benchEncoder(): Promise<void> {
  const { modelFolder } = readSettings(process.env);
  const rows: (string | number)[][] = [];
  for (const threads of new Set([1, availableParallelism()])) {
    const encoder = await openEncoder({ manifestPath: manifestPathOf(modelFolder), threads });
    const { manifest } = encoder;
    const { frames, framesPerSecond, width, height } = manifest.preprocessing;
    for (const batch of BATCHES) {
      const clip = latticeClip({ frames, width, height }, 1);
      const pixels = new Uint8Array(clip.length * batch);
      for (let i = 0; i < batch; i += 1) pixels.set(clip, i * clip.length);
      await encoder.encode(pixels, batch);
      const wall: number[] = [];
      let cpuMs = 0;
      for (let round = 0; round < ROUNDS; round += 1) {
        const measured = await measure(() => encoder.encode(pixels, batch));
        wall.push(measured.wallMs / batch);
        cpuMs += measured.cpuMs / batch / ROUNDS;
      }
      const medianMs = percentile(wall, 0.5);
      const timesRealTime = (manifest.segmentHopSeconds * 1000) / medianMs;
      rows.push([threads, batch, medianMs.toFixed(1), cpuMs.toFixed(1), timesRealTime.toFixed(0)]);
    }
    await encoder.close();
    process.stdout.write(
      `${manifest.id}: ${frames} frames of ${width}x${height} at ${framesPerSecond} a second\n`,
    );
  }
  process.stdout.write(
    `${formatTable(['threads', 'batch', 'ms a clip (median)', 'ms CPU a clip', 'x real time'], rows)}\n`,
  );
}
