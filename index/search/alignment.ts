import type { Span } from '../span.js';
import { findLines, type OffsetWindow, type ScoredLine } from './line-search.js';
import { bestPath, CELL_SECONDS, type PathRun, profileAlong } from './match-path.js';
import type { Line, SimilarityField } from './similarity-field.js';

/** A stretch of the query and the stretch of the video that it lies on. */
export interface AlignedPart {
  query: Span;
  video: Span;
}

/** How a query lies along a video. */
export interface Alignment {
  /** From the first matching moment to the last. */
  video: Span;
  query: Span;
  /** In order of time; more than one where the query leaves something of the video out, or holds something else between. */
  parts: AlignedPart[];
  /** Seconds of the video that pass in one second of the query, 0.5 to 2. */
  speed: number;
  /** Video time at query time 0, of the longest part. */
  offsetSeconds: number;
  /** Sum of (similarity - threshold) x seconds along the path. */
  evidence: number;
  /** Mean similarity of the matching parts. */
  similarity: number;
  /** Seconds of the query that match. */
  matchedSeconds: number;
}

export interface AlignRequest {
  field: SimilarityField;
  /** Similarity above which query and video are taken to show the same. */
  threshold: number;
  /** A lower one, down to which a match goes on at its ends once there is one; `threshold` unless told. */
  edgeThreshold?: number | undefined;
  maxAlignments: number;
  /** Between how many lines the path may choose; LINES unless told. */
  lines?: number | undefined;
  /** Only near these offsets, for videos of which a part was read. */
  near?: OffsetWindow | undefined;
  /** Tries other speeds than that of the video, too. */
  anySpeed: boolean;
  /** Moments at which the picture of the query changes at once: a part that ends near one ends there. Ascending. */
  cutsSeconds?: readonly number[] | undefined;
}

/** Lines between which the path of one alignment chooses. */
const LINES = 8;

/**
 * Temporal alignment: the lines on which most of the query and the video agree are found by trying offsets and speeds; the best path
 * over them (or off all of them) tells which parts match. Several alignments do not cover the same part of the video; best first.
 */
export function align(request: AlignRequest): Alignment[] {
  const { field, maxAlignments, lines: choices = LINES } = request;
  if (field.query.startsSeconds.length === 0 || field.video.startsSeconds.length === 0) return [];
  const count = maxAlignments === 1 ? choices : Math.max(choices, 4 * maxAlignments);
  const lines = findLines(field, { ...request, count });
  const best = lines.length > 0 ? alongPath(request, lines.slice(0, choices)) : null;
  if (!best) return [];
  const found = [best];
  // The first may change to any other line; a later one is a place of its own.
  for (let i = 1; i < lines.length && found.length < maxAlignments; i += 1) {
    const alignment = alongPath(request, [lines[i] as ScoredLine]);
    if (alignment && found.every((other) => overlapShare(other.video, alignment.video) < 0.5)) {
      found.push(alignment);
    }
  }
  return found;
}

function alongPath(
  { field, threshold, edgeThreshold = threshold, cutsSeconds = [] }: AlignRequest,
  lines: readonly Line[],
): Alignment | null {
  const profiles = lines.map((line) => profileAlong(field, line));
  const { runs, evidence } = bestPath(profiles, lines, threshold, field.memory);
  if (runs.length === 0) return null;
  extend(runs, { profiles, threshold: edgeThreshold, startSeconds: field.query.startSeconds, cutsSeconds });
  let sum = 0;
  let cells = 0;
  for (const run of runs) {
    const profile = profiles[run.line] as Float64Array;
    for (let cell = run.firstCell; cell < run.endCell; cell += 1) sum += profile[cell] as number;
    cells += run.endCell - run.firstCell;
  }
  const parts = runs
    .map((run) => partOf(field, run, lines[run.line] as Line, cutsSeconds))
    .filter(
      ({ query, video }) => query.endSeconds > query.startSeconds && video.endSeconds > video.startSeconds,
    );
  if (parts.length === 0) return null;
  const longest = runs.reduce((a, b) => (b.endCell - b.firstCell > a.endCell - a.firstCell ? b : a));
  const { speed, offsetSeconds } = lines[longest.line] as Line;
  return {
    video: hullOf(parts.map(({ video }) => video)),
    query: hullOf(parts.map(({ query }) => query)),
    parts,
    speed,
    offsetSeconds,
    evidence,
    similarity: sum / cells,
    matchedSeconds: cells * CELL_SECONDS,
  };
}

/** An end that was moved to a cut may reach a little into the next part. */
function hullOf(spans: readonly Span[]): Span {
  return {
    startSeconds: Math.min(...spans.map(({ startSeconds }) => startSeconds)),
    endSeconds: Math.max(...spans.map(({ endSeconds }) => endSeconds)),
  };
}

/** Lets the ends of runs go on while the similarity stays above the lower threshold, to the next run or cut at most. */
function extend(
  runs: PathRun[],
  limits: {
    profiles: readonly Float64Array[];
    threshold: number;
    startSeconds: number;
    cutsSeconds: readonly number[];
  },
): void {
  const { profiles, threshold, startSeconds, cutsSeconds } = limits;
  const cutBefore = new Set(cutsSeconds.map((cut) => Math.round((cut - startSeconds) / CELL_SECONDS)));
  runs.forEach((run, i) => {
    const profile = profiles[run.line] as Float64Array;
    const least = runs[i - 1]?.endCell ?? 0;
    const most = runs[i + 1]?.firstCell ?? profile.length;
    const goesOn = (cell: number) => (profile[cell] as number) >= threshold;
    while (run.firstCell > least && !cutBefore.has(run.firstCell) && goesOn(run.firstCell - 1)) {
      run.firstCell -= 1;
    }
    while (run.endCell < most && !cutBefore.has(run.endCell) && goesOn(run.endCell)) run.endCell += 1;
  });
}

/** How far from where the similarity says a cut may be for the part to end there: a clip is two seconds long and sees past a cut. */
const CUT_REACH_SECONDS = 0.9;

function partOf(
  field: SimilarityField,
  run: PathRun,
  line: Line,
  cutsSeconds: readonly number[],
): AlignedPart {
  const { query, video } = field;
  const cells = Math.round((query.endSeconds - query.startSeconds) / CELL_SECONDS);
  const edge = (cell: number) => query.startSeconds + cell * CELL_SECONDS;
  const start = run.firstCell === 0 ? query.startSeconds : toCut(edge(run.firstCell), cutsSeconds);
  const end = run.endCell >= cells ? query.endSeconds : toCut(edge(run.endCell), cutsSeconds);
  const toVideo = (seconds: number) => line.offsetSeconds + line.speed * seconds;
  const toQuery = (seconds: number) => (seconds - line.offsetSeconds) / line.speed;
  const [videoStart, videoEnd] = [toVideo(start), toVideo(end)];
  // There and back again would not give quite the same moment.
  const startsInside = videoStart >= video.startSeconds;
  const endsInside = videoEnd <= video.endSeconds;
  return {
    video: {
      startSeconds: startsInside ? videoStart : video.startSeconds,
      endSeconds: endsInside ? videoEnd : video.endSeconds,
    },
    query: {
      startSeconds: startsInside ? start : Math.max(query.startSeconds, toQuery(video.startSeconds)),
      endSeconds: endsInside ? end : Math.min(query.endSeconds, toQuery(video.endSeconds)),
    },
  };
}

/** The nearest cut within reach, else the moment itself. */
function toCut(seconds: number, cutsSeconds: readonly number[]): number {
  let nearest = seconds;
  let distance = CUT_REACH_SECONDS;
  for (const cut of cutsSeconds) {
    if (Math.abs(cut - seconds) < distance) {
      nearest = cut;
      distance = Math.abs(cut - seconds);
    }
  }
  return nearest;
}

/** Overlap as a share of the shorter of the two. */
function overlapShare(a: Span, b: Span): number {
  const overlap = Math.min(a.endSeconds, b.endSeconds) - Math.max(a.startSeconds, b.startSeconds);
  const shorter = Math.min(a.endSeconds - a.startSeconds, b.endSeconds - b.startSeconds);
  return shorter > 0 ? overlap / shorter : 0;
}
