/** Two videos that share footage: where in each. Seconds, half-open. */
export interface DuplicatePair {
  videoId: number;
  otherVideoId: number;
  score: number;
  startSeconds: number;
  endSeconds: number;
  otherStartSeconds: number;
  otherEndSeconds: number;
  /** Time in the other video minus time in the video, at the start of the match. */
  offsetSeconds: number;
  /** Seconds of the other video that pass in one second of the video. */
  speed: number;
}

/** Videos that share footage with one another, or through others. */
export interface DuplicateGroup {
  /** By id. */
  videos: { id: number; title: string; collection: string; durationSeconds: number }[];
  /** Most certain first. */
  pairs: DuplicatePair[];
}

export interface DuplicatesReport {
  minScore: number;
  videoCount: number;
  /** Largest first. */
  groups: DuplicateGroup[];
}
