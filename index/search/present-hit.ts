import type { Span } from '../span.js';
import type { Alignment } from './alignment.js';
import type { ScoredHit } from './score-hits.js';
import type { SimilarityField } from './similarity-field.js';
import type { HitPart, SearchExplanation, SearchHit } from './types.js';

export function toHit(hit: ScoredHit): SearchHit {
  const { video, alignment, mirrored, evidence, verdict, explanation } = hit;
  const { id, title, collection, label, durationSeconds } = video;
  const { query } = alignment;
  return {
    video: { id, title, collection, label, durationSeconds },
    score: roundTo(hit.score, 4),
    verdict,
    evidence,
    boilerplate: roundTo(hit.boilerplateShare, 3),
    startSeconds: roundTime(alignment.video.startSeconds),
    endSeconds: roundTime(alignment.video.endSeconds),
    queryStartSeconds: roundTime(query.startSeconds),
    queryEndSeconds: roundTime(query.endSeconds),
    speed: roundTo(alignment.speed, 3),
    mirrored,
    parts: alignment.parts.map(toPart),
    explanation,
  };
}

/** What the alignment saw: the similarity of every clip of the query with every clip of the video that was looked at. */
export function toExplanation(field: SimilarityField, alignment: Alignment): SearchExplanation {
  const matrix = field.clipSimilarities();
  const columns = field.video.startsSeconds.length;
  return {
    clipSeconds: field.query.clipSeconds,
    queryStartsSeconds: Array.from(field.query.startsSeconds, roundTime),
    videoStartsSeconds: Array.from(field.video.startsSeconds, roundTime),
    similarities: Array.from(field.query.startsSeconds, (_, row) =>
      Array.from(matrix.subarray(row * columns, (row + 1) * columns), (value) => roundTo(value, 3)),
    ),
    queryWeights: Array.from(field.query.weights),
    videoWeights: Array.from(field.video.weights),
    path: alignment.parts.flatMap(({ query, video }) => [
      { querySeconds: roundTime(query.startSeconds), videoSeconds: roundTime(video.startSeconds) },
      { querySeconds: roundTime(query.endSeconds), videoSeconds: roundTime(video.endSeconds) },
    ]),
  };
}

function toPart({ query, video }: { query: Span; video: Span }): HitPart {
  return {
    startSeconds: roundTime(video.startSeconds),
    endSeconds: roundTime(video.endSeconds),
    queryStartSeconds: roundTime(query.startSeconds),
    queryEndSeconds: roundTime(query.endSeconds),
  };
}

function roundTime(seconds: number): number {
  return roundTo(seconds, 3);
}

function roundTo(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}
