import type { SegmentBatch } from '../library/types.js';
import { decodeClips } from '../media/decode.js';
import { probeVideo } from '../media/probe.js';
import type { DecodedClip, DecodeSummary, FfmpegProgram, MediaLimits, VideoProbe } from '../media/types.js';
import type { Span } from '../span.js';
import type { ClipBatcher } from './clip-batcher.js';

export interface EmbeddedVideo {
  probe: VideoProbe;
  summary: DecodeSummary;
  segments: SegmentBatch;
  /** Time spent waiting for frames, and for the encoder. */
  decodeMs: number;
  encodeMs: number;
}

/** Clips of one video that may wait for the encoder at a time: bounds memory however long the video is. */
const MAX_CLIPS_IN_FLIGHT = 8;

/**
 * Probe, decode and encode one file (or a range of it) into segments. Errors are those of the media and
 * encoder rooms. Memory: the features of the video and a few clips, never its frames.
 */
export async function embedVideo(input: {
  ffmpeg: FfmpegProgram;
  batcher: ClipBatcher;
  filePath: string;
  limits: MediaLimits;
  /** May depend on what the probe says, e.g. a finer hop for a short query. */
  hopSeconds: number | ((probe: VideoProbe) => number);
  range?: Partial<Span> | undefined;
  signal?: AbortSignal | undefined;
  /** After each clip: up to where the video has been decoded, and how long its header says it is. */
  onSegment?: ((endSeconds: number, durationSeconds: number | null) => void) | undefined;
  /** Each clip as it comes, before it is encoded. */
  onClip?: ((clip: DecodedClip) => void) | undefined;
}): Promise<EmbeddedVideo> {
  const { ffmpeg, batcher, filePath, limits, signal } = input;
  const { manifest } = batcher.encoder;
  const probeStartedAt = performance.now();
  const probe = await probeVideo({ ffmpeg, filePath, limits, signal });
  let decodeMs = performance.now() - probeStartedAt;
  let encodeMs = 0;

  const clips = decodeClips({
    ffmpeg,
    filePath,
    preprocessing: manifest.preprocessing,
    hopSeconds: typeof input.hopSeconds === 'number' ? input.hopSeconds : input.hopSeconds(probe),
    range: input.range,
    limits,
    signal,
  });
  const segments = new SegmentRows(manifest.dimension, manifest.dimension * manifest.timesteps);
  const inFlight: Promise<void>[] = [];
  let failure: { error: unknown } | null = null;

  const settle = async (keep: number) => {
    const startedAt = performance.now();
    while (inFlight.length > keep) await inFlight.shift();
    encodeMs += performance.now() - startedAt;
    if (failure) throw failure.error;
  };

  try {
    for (;;) {
      const startedAt = performance.now();
      const next = await clips.next();
      decodeMs += performance.now() - startedAt;
      if (next.done) {
        await settle(0);
        return { probe, summary: next.value, segments: segments.batch(), decodeMs, encodeMs };
      }
      input.onClip?.(next.value);
      const { startSeconds, endSeconds, pixels } = next.value;
      const row = segments.add({ startSeconds, endSeconds });
      inFlight.push(
        batcher.encode(pixels).then(
          (clip) => segments.set(row, clip.embedding, clip.timesteps),
          (error: unknown) => {
            failure ??= { error };
          },
        ),
      );
      input.onSegment?.(endSeconds, probe.durationSeconds);
      await settle(MAX_CLIPS_IN_FLIGHT - 1);
    }
  } finally {
    // Ends the ffmpeg child when we leave early.
    await clips.return(undefined as never);
    await Promise.all(inFlight);
  }
}

/** Rows that grow by doubling. */
class SegmentRows {
  readonly #spans: Span[] = [];
  readonly #embeddingLength: number;
  readonly #timestepLength: number;
  #embeddings: Float32Array;
  #timesteps: Float32Array;

  constructor(embeddingLength: number, timestepLength: number) {
    this.#embeddingLength = embeddingLength;
    this.#timestepLength = timestepLength;
    this.#embeddings = new Float32Array(16 * embeddingLength);
    this.#timesteps = new Float32Array(16 * timestepLength);
  }

  /** Returns the number of the row. */
  add(span: Span): number {
    const row = this.#spans.push(span) - 1;
    if ((row + 1) * this.#embeddingLength > this.#embeddings.length) {
      this.#embeddings = doubled(this.#embeddings);
      this.#timesteps = doubled(this.#timesteps);
    }
    return row;
  }

  set(row: number, embedding: Float32Array, timesteps: Float32Array): void {
    this.#embeddings.set(embedding, row * this.#embeddingLength);
    this.#timesteps.set(timesteps, row * this.#timestepLength);
  }

  batch(): SegmentBatch {
    const count = this.#spans.length;
    return {
      spans: this.#spans,
      embeddings: this.#embeddings.slice(0, count * this.#embeddingLength),
      timesteps: this.#timesteps.slice(0, count * this.#timestepLength),
    };
  }
}

function doubled(values: Float32Array): Float32Array {
  const larger = new Float32Array(values.length * 2);
  larger.set(values);
  return larger;
}
