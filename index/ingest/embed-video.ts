import { type ErrorCode, errorCodeOf } from '../errors.js';
import type { ClipPool } from '../media/clip-pool.js';
import { type DecodeRequest, decodeClips } from '../media/decode.js';
import type { PictureOutput } from '../media/decode-arguments.js';
import { probeVideo } from '../media/probe.js';
import type { DecodedClip, FfmpegProgram, MediaLimits, VideoProbe } from '../media/types.js';
import type { Span } from '../span.js';
import type { ClipBatcher, ClipPriority } from './clip-batcher.js';
import { type EncodedVideo, encodeClips } from './encode-clips.js';

export interface EmbeddedVideo extends EncodedVideo {
  probe: VideoProbe;
}

export interface EmbedRequest {
  ffmpeg: FfmpegProgram;
  batcher: ClipBatcher;
  filePath: string;
  limits: MediaLimits;
  /** May depend on what the probe says, e.g. a finer hop for a short query; this costs a process more. */
  hopSeconds: number | ((probe: VideoProbe) => number);
  range?: Partial<Span> | undefined;
  priority: ClipPriority;
  pictures?: PictureOutput | undefined;
  signal?: AbortSignal | undefined;
  /** After each clip: up to where the video has been decoded, and how long its header says it is. */
  onSegment?: ((endSeconds: number, durationSeconds: number | null) => void) | undefined;
  /** To have the memory of clips used again; `onClip` then keeps none. */
  pool?: ClipPool | undefined;
  /** Each clip as it comes, before it is encoded. */
  onClip?: ((clip: DecodedClip) => void) | undefined;
}

/**
 * Probe, decode and encode one file (or a range of it) into segments. Errors are those of the media and encoder rooms, of
 * the probe before those of the decode.
 */
export async function embedVideo(input: EmbedRequest): Promise<EmbeddedVideo> {
  const { ffmpeg, batcher, filePath, limits, signal, hopSeconds } = input;
  const { preprocessing } = batcher.encoder.manifest;
  const startedAt = performance.now();
  const probed = { ffmpeg, filePath, limits, signal };
  let probe = typeof hopSeconds === 'number' ? null : await probeVideo(probed);
  const probeMs = performance.now() - startedAt;

  const decode: DecodeRequest = {
    ...probed,
    preprocessing,
    hopSeconds: typeof hopSeconds === 'number' ? hopSeconds : hopSeconds(probe as VideoProbe),
    range: input.range,
    pictures: input.pictures,
    pool: input.pool,
    onProbe: probe
      ? undefined
      : (told) => {
          probe = told;
        },
  };
  try {
    const encoded = await encodeClips({
      batcher,
      clips: decodeClips(decode),
      priority: input.priority,
      pool: input.pool,
      onClip: (clip) => {
        input.onClip?.(clip);
        input.onSegment?.(clip.endSeconds, probe?.durationSeconds ?? null);
      },
    });
    probe ??= await probeVideo(probed);
    return { ...encoded, probe, decodeMs: encoded.decodeMs + probeMs };
  } catch (error) {
    // A decode that finds nothing to decode knows less of the reason than a look at the header.
    if (probe === null && !TELL_AT_ONCE.has(errorCodeOf(error))) await probeVideo(probed);
    throw error;
  }
}

const TELL_AT_ONCE: ReadonlySet<ErrorCode> = new Set([
  'CANCELLED',
  'DECODE_TIMEOUT',
  'DISK_FULL',
  'ENCODE_FAILED',
  'FFMPEG_NOT_USABLE',
  'INTERNAL',
]);
