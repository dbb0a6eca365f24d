import type { Span } from '../../span.js';

/** What people do to a clip before they ask where it comes from. */
export const EDIT_NAMES = [
  'trim',
  're-encode',
  'scale',
  'crop-80',
  'crop-60',
  'mirror',
  'speed-0.8',
  'speed-1.25',
  'brightness',
  'contrast',
  'grey',
  'logo',
  'borders',
  'intro',
  'frame-rate',
  'subtitles',
  'missing-middle',
  'reverse',
] as const;

export type EditName = (typeof EDIT_NAMES)[number];

/** A stretch of the edited clip that comes from the source, and from where. */
export interface SharedSpan {
  query: Span;
  /** In the source video. */
  video: Span;
}

/** What is known of an edited clip because we made it. */
export interface EditTruth {
  /** In order of time; more than one where the middle is missing. */
  shared: SharedSpan[];
  /** Seconds of the video that pass in one second of the query. */
  speed: number;
  mirrored: boolean;
  /** Length of the edited clip. */
  durationSeconds: number;
}

/** How to make one edited clip. */
export interface EditPlan {
  edits: readonly EditName[];
  /** Of the source that is read. */
  part: Span;
  /** From `[in]` to `[out]`. */
  filterGraph: string;
  /** MPEG-4's quantiser: 2 is the best, 31 the worst. */
  quantiser: number;
  truth: EditTruth;
}
