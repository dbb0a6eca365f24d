import type { SegmentBatch } from '../library/types.js';
import type { ClipPool } from '../media/clip-pool.js';
import { plainKindOf } from '../media/plain-picture.js';
import type { DecodedClip, DecodeSummary } from '../media/types.js';
import type { ClipBatcher, ClipPriority } from './clip-batcher.js';
import { SegmentRows } from './segment-rows.js';

export interface EncodedVideo {
  summary: DecodeSummary;
  segments: SegmentBatch;
  /** Time spent waiting for frames, and for the encoder. */
  decodeMs: number;
  encodeMs: number;
}

interface ClipInHand {
  pixels: Uint8Array;
  features: ReturnType<ClipBatcher['encode']>;
}

/**
 * Clips of one video that may be with the encoder at a time: bounds memory however long the video is. Of an archive more than the
 * encoder lets wait on two processors, so that it is the encoder that stops the decoder, and not each clip.
 */
const MAX_CLIPS_IN_FLIGHT: Record<ClipPriority, number> = { query: 16, archive: 64 };

/**
 * Encodes the clips of one video as they are decoded; reads no clip for which the encoder has no room. The generator has ended
 * when this settles, whichever way. Memory: the features of the video and a few clips, never its frames.
 */
export async function encodeClips(input: {
  batcher: ClipBatcher;
  clips: AsyncGenerator<DecodedClip, DecodeSummary>;
  priority: ClipPriority;
  /** That the clips come from: each is given back when it has been encoded. */
  pool?: ClipPool | undefined;
  /** Before it is encoded. */
  onClip?: ((clip: DecodedClip) => void) | undefined;
}): Promise<EncodedVideo> {
  const { batcher, clips, priority, pool } = input;
  const { dimension, timesteps, preprocessing } = batcher.encoder.manifest;
  const segments = new SegmentRows(dimension, dimension * timesteps);
  const inFlight: Promise<void>[] = [];
  let failure: { error: unknown } | null = null;
  let last: ClipInHand | null = null;
  let decodeMs = 0;
  let encodeMs = 0;

  const settle = async (keep: number) => {
    const startedAt = performance.now();
    while (inFlight.length > keep) await inFlight.shift();
    if (priority === 'archive' && keep > 0) await batcher.room();
    encodeMs += performance.now() - startedAt;
    if (failure) throw failure.error;
  };

  try {
    for (;;) {
      await settle(MAX_CLIPS_IN_FLIGHT[priority] - 1);
      const startedAt = performance.now();
      const next = await clips.next();
      decodeMs += performance.now() - startedAt;
      if (next.done) {
        await settle(0);
        return { summary: next.value, segments: segments.batch(), decodeMs, encodeMs };
      }
      input.onClip?.(next.value);
      const { startSeconds, endSeconds, pixels } = next.value;
      const row = segments.add({ startSeconds, endSeconds }, plainKindOf(pixels, preprocessing));
      // A still, or a gap that is filled with the picture before it: the same pixels have the same features.
      if (last === null || Buffer.compare(last.pixels, pixels) !== 0) {
        if (pool && last) giveBack(pool, last);
        last = { pixels, features: batcher.encode(pixels, priority) };
      } else pool?.give(pixels);
      inFlight.push(
        last.features.then(
          (clip) => segments.set(row, clip.embedding, clip.timesteps),
          (error: unknown) => {
            failure ??= { error };
          },
        ),
      );
    }
  } finally {
    // Ends the ffmpeg child when we leave early.
    await clips.return(undefined as never);
    await Promise.all(inFlight);
  }
}

/** Once the encoder is done with it. */
function giveBack(pool: ClipPool, { pixels, features }: ClipInHand): void {
  const give = () => pool.give(pixels);
  void features.then(give, give);
}
