import type { PlainKind } from '../../media/plain-kinds.js';
import type { Span } from '../../span.js';

/** `repeated`: stands in many videos that are otherwise different, e.g. a station ident. */
export type BoilerplateKind = PlainKind | 'repeated';

/** A segment that says little of where a clip comes from. */
export interface BoilerplateSegment {
  segmentId: number;
  kind: BoilerplateKind;
  /** What a second of it counts for, [0, 1): 1 is what other footage counts. */
  weight: number;
}

/** Seconds of a video, half-open. */
export interface BoilerplatePlace extends Span {
  videoId: number;
}

/** Segments that show the same. */
export interface BoilerplateGroup {
  kind: BoilerplateKind;
  weight: number;
  videoCount: number;
  segmentCount: number;
  /** Of video, in all places together. */
  seconds: number;
  /** Longest first, at most one a video and PLACES_KEPT of them. */
  places: BoilerplatePlace[];
}

/** What a look through a collection found. */
export interface BoilerplateReport {
  formatVersion: 1;
  modelId: string;
  /** What was looked through. */
  videoCount: number;
  segmentCount: number;
  /** Videos, otherwise different, from which what they have in common counts as repeated. */
  leastVideos: number;
  /** Of all groups, also those that are not kept. */
  groupCount: number;
  /** In most videos first. */
  groups: BoilerplateGroup[];
  /** ISO 8601, UTC. */
  computedAt: string;
}

/** Weights by kind: what is everywhere says nothing; one still picture says less than as many seconds of moving ones. */
export const EVERYWHERE_WEIGHT = 0;
export const STILL_WEIGHT = 0.25;

export function weightOfPlain(kind: PlainKind): number {
  return kind === 'still' ? STILL_WEIGHT : EVERYWHERE_WEIGHT;
}
