import type { ClipBatcher } from '../ingest/clip-batcher.js';
import { embedVideo } from '../ingest/embed-video.js';
import type { FfmpegProgram, MediaLimits, VideoProbe } from '../media/types.js';
import type { Span } from '../span.js';
import { rowsOf } from '../vectors/rows.js';
import { weightOfPlain } from './boilerplate/types.js';
import { buildClipTrack } from './clip-track.js';
import { clipShapeOf, type EmbeddedQuery, type QueryVariant } from './embedded-query.js';
import { isMirrorPromising, isSurelyFound, type NearestSimilarities } from './mirror-look.js';
import { mirrored, stretched } from './picture-variants.js';
import { QueryPictures } from './query-pictures.js';
import type { SearchQuery } from './types.js';

/** A file that is searched with has at most this many clips: the hop grows with its length. */
export const MAX_QUERY_CLIPS = 96;
/** The finest hop: the phase of the query's clips is then off by an eighth of a second at most. */
const FINEST_HOP_SECONDS = 0.25;

export interface FileQueryParts {
  ffmpeg: FfmpegProgram;
  batcher: ClipBatcher;
  limits: MediaLimits;
  /** `all`: the mirror image in any case, because what the query will be compared with is not there yet. */
  nearestSimilarities: NearestSimilarities | 'all';
}

/**
 * A file, decoded once and encoded in up to three ways: as it is; without black borders when it has some; and as a mirror shows it,
 * when a few clips of that are about as near to the library as the file itself.
 */
export async function embedFileQuery(
  parts: FileQueryParts,
  query: Extract<SearchQuery, { kind: 'file' }>,
  signal: AbortSignal | undefined,
): Promise<EmbeddedQuery> {
  const { ffmpeg, batcher, limits } = parts;
  const { manifest } = batcher.encoder;
  const pictures = new QueryPictures(manifest.preprocessing);
  const range = rangeOf(query);
  const { segments, summary, decodeMs, encodeMs } = await embedVideo({
    ffmpeg,
    batcher,
    filePath: query.filePath,
    limits,
    hopSeconds: (probe) => queryHopSeconds(probe, range, manifest.segmentHopSeconds),
    range,
    priority: 'query',
    signal,
    onClip: (clip) => pictures.add(clip),
  });
  const weights = Float64Array.from(segments.spans, (_, i) => {
    const kind = segments.plain?.[i] ?? null;
    return kind === null ? 1 : weightOfPlain(kind);
  });
  const startsSeconds = segments.spans.map((span) => span.startSeconds);
  const first = startsSeconds[0] ?? 0;
  const span = { startSeconds: first, endSeconds: first + summary.durationSeconds };
  // Clips that begin where segments of the same file do; others lie between two of them.
  const wholeHops = startsSeconds.flatMap((start, row) =>
    isWhole(start / manifest.segmentHopSeconds) ? [row] : [],
  );
  const plain = variantOf(segments.embeddings, segments.timesteps, false);
  const encodeStartedAt = performance.now();
  const variants = [plain, ...(await otherVariants())];
  return {
    startsSeconds,
    weights,
    variants,
    cutsSeconds: pictures.cutsSeconds(),
    decodeMs,
    encodeMs: encodeMs + performance.now() - encodeStartedAt,
    videoId: null,
  };

  async function otherVariants(): Promise<QueryVariant[]> {
    if (!pictures.clips) return [];
    const inside = pictures.insideOfBorders();
    if (inside && (await isKnownAsItIs())) return [];
    const clips = inside
      ? pictures.clips.map((clip) => stretched(clip, inside, manifest.preprocessing))
      : pictures.clips;
    const unbordered = inside ? await encodeAll(clips, false) : null;
    const flipped = await mirrorVariant(clips, unbordered ?? plain);
    return [unbordered, flipped].filter((variant) => variant !== null);
  }

  /** The library holds the file with its borders: to encode it twice would only take twice as long. */
  async function isKnownAsItIs(): Promise<boolean> {
    const { nearestSimilarities } = parts;
    if (nearestSimilarities === 'all') return false;
    const { dimension } = manifest;
    return isSurelyFound(rowsOf(plain.embeddings, wholeHops, dimension), dimension, nearestSimilarities);
  }

  async function mirrorVariant(
    clips: readonly Uint8Array[],
    upright: QueryVariant,
  ): Promise<QueryVariant | null> {
    const { nearestSimilarities } = parts;
    const isPromising =
      nearestSimilarities === 'all' ||
      (await isMirrorPromising({
        upright: upright.embeddings,
        rows: wholeHops,
        dimension: manifest.dimension,
        flipped: async (rows) => {
          const probes = rows.map((row) => mirrored(clips[row] as Uint8Array, manifest.preprocessing));
          return (await encode(probes)).embeddings;
        },
        nearestSimilarities,
      }));
    if (!isPromising) return null;
    return encodeAll(
      clips.map((clip) => mirrored(clip, manifest.preprocessing)),
      true,
    );
  }

  async function encodeAll(clips: readonly Uint8Array[], isMirrored: boolean): Promise<QueryVariant> {
    const { embeddings, timesteps } = await encode(clips);
    return variantOf(embeddings, timesteps, isMirrored);
  }

  async function encode(clips: readonly Uint8Array[]) {
    const encoded = await Promise.all(clips.map((clip) => batcher.encode(clip, 'query')));
    return {
      embeddings: joined(encoded.map((clip) => clip.embedding)),
      timesteps: joined(encoded.map((clip) => clip.timesteps)),
    };
  }

  function variantOf(embeddings: Float32Array, timesteps: Float32Array, isMirrored: boolean): QueryVariant {
    const length = manifest.dimension * manifest.timesteps;
    const clips = startsSeconds.map((startSeconds, i) => ({
      startSeconds,
      timesteps: timesteps.subarray(i * length, (i + 1) * length),
    }));
    return {
      embeddings,
      track: buildClipTrack({ clips, ...clipShapeOf(manifest), span }),
      mirrored: isMirrored,
    };
  }
}

/**
 * The least hop that lays at most MAX_QUERY_CLIPS clips over the query: a half or a quarter of the index's hop, or a multiple of it. Every such clip of a
 * file that is in the library itself, or of a part that begins with one of its segments, is then as near to a segment as can be; with other hops none is.
 */
export function queryHopSeconds(probe: VideoProbe, range: Partial<Span>, indexHopSeconds: number): number {
  const end = range.endSeconds ?? probe.durationSeconds;
  if (end === null) return indexHopSeconds;
  const length = Math.max(0, Math.min(end, probe.durationSeconds ?? end) - (range.startSeconds ?? 0));
  const least = Math.max(FINEST_HOP_SECONDS, length / MAX_QUERY_CLIPS);
  const part = PARTS_OF_HOP.find((share) => share * indexHopSeconds >= least);
  return indexHopSeconds * (part ?? Math.ceil(least / indexHopSeconds));
}

const PARTS_OF_HOP = [1 / 4, 1 / 2];

function isWhole(value: number): boolean {
  return Math.abs(value - Math.round(value)) < 0.01;
}

function rangeOf(query: {
  startSeconds?: number | undefined;
  endSeconds?: number | undefined;
}): Partial<Span> {
  return {
    ...(query.startSeconds === undefined ? {} : { startSeconds: query.startSeconds }),
    ...(query.endSeconds === undefined ? {} : { endSeconds: query.endSeconds }),
  };
}

function joined(rows: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(rows.reduce((sum, row) => sum + row.length, 0));
  let offset = 0;
  for (const row of rows) {
    all.set(row, offset);
    offset += row.length;
  }
  return all;
}
