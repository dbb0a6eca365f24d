import type { ModelManifest } from '../encoder/manifest.js';
import { CliptraceError } from '../errors.js';
import type { Library, SegmentFeatures } from '../library/types.js';
import type { Span } from '../span.js';
import { buildClipTrack } from './clip-track.js';
import { clipShapeOf, type EmbeddedQuery, thinOut } from './embedded-query.js';
import type { SearchQuery } from './types.js';

/** Of a stored video at most so many of its segments are searched with. */
const MAX_STORED_CLIPS = 48;

/** A range of a stored video: its features are there already. VIDEO_NOT_FOUND, RANGE_NOT_IN_VIDEO, MODEL_CHANGED. */
export async function embedStoredQuery(
  library: Library,
  manifest: ModelManifest,
  query: Extract<SearchQuery, { kind: 'video' }>,
): Promise<EmbeddedQuery> {
  const video = await library.getVideo(query.videoId);
  if (!video) throw new CliptraceError('VIDEO_NOT_FOUND', `There is no video ${query.videoId}`);
  const range = {
    startSeconds: query.startSeconds ?? 0,
    endSeconds: Math.min(query.endSeconds ?? video.durationSeconds, video.durationSeconds),
  };
  if (range.startSeconds >= range.endSeconds) {
    throw new CliptraceError(
      'RANGE_NOT_IN_VIDEO',
      `${range.startSeconds}-${query.endSeconds ?? range.endSeconds} s lies outside video ${video.id}, which lasts ${video.durationSeconds} s`,
    );
  }
  const segments = insideOf(await library.segmentsOf(video.id, manifest.id, range), range);
  if (segments.length === 0) {
    throw new CliptraceError(
      'MODEL_CHANGED',
      `Video ${video.id} was embedded by another model than ${manifest.id}: index it again`,
    );
  }
  const chosen = thinOut(segments, MAX_STORED_CLIPS);
  const stored = await library.vectorsOf(chosen.map((segment) => segment.id));
  const weightOf = new Map(chosen.map((segment) => [segment.id, segment.weight]));
  const startOf = new Map(chosen.map((segment) => [segment.id, segment.startSeconds]));
  return {
    startsSeconds: stored.ids.map((id) => startOf.get(id) as number),
    weights: Float64Array.from(stored.ids, (id) => weightOf.get(id) as number),
    variants: [
      {
        embeddings: stored.vectors,
        track: buildClipTrack({ clips: chosen, ...clipShapeOf(manifest), span: range }),
        mirrored: false,
      },
    ],
    cutsSeconds: [],
    decodeMs: 0,
    encodeMs: 0,
    videoId: video.id,
  };
}

/** Segments that lie in the range; when it is shorter than any, the one with most of it. */
function insideOf(segments: readonly SegmentFeatures[], range: Span): SegmentFeatures[] {
  const overlap = (segment: Span) =>
    Math.min(segment.endSeconds, range.endSeconds) - Math.max(segment.startSeconds, range.startSeconds);
  const whole = segments.filter(
    (segment) => segment.startSeconds >= range.startSeconds && segment.endSeconds <= range.endSeconds,
  );
  if (whole.length > 0) return whole;
  return [...segments].sort((a, b) => overlap(b) - overlap(a)).slice(0, 1);
}
