/** What can be wrong with a data folder. docs/operations.md tells what each means and what to do. */
export const PROBLEM_CODES = [
  'DATABASE_DAMAGED',
  'RECORD_UNREADABLE',
  'ROWS_ORPHANED',
  'VIDEO_INCOMPLETE',
  'VIDEO_NOT_EMBEDDED',
  'VIDEO_WITHOUT_FILE',
  'FEATURES_INVALID',
  'WATCH_INVALID',
  'MODEL_OUTDATED',
  'FILE_MISSING',
  'FILE_CHANGED',
  'FILE_ALTERED',
  'FILE_UNREADABLE',
  'FOLDER_UNUSABLE',
  'STRAY_FILE',
  'PICTURES_DAMAGED',
  'SNAPSHOT_MISSING',
  'SNAPSHOT_DAMAGED',
  'SNAPSHOT_FOREIGN',
  'SNAPSHOT_DISAGREES',
] as const;

export type ProblemCode = (typeof PROBLEM_CODES)[number];

/** What `--repair` does about a problem. Nothing that cannot be made again is ever deleted. */
export type Repair =
  | { kind: 'rebuild-database-indexes' }
  | { kind: 'delete-orphan-rows' }
  /** A row of JSON becomes readable again, without what cannot be known any more. */
  | { kind: 'mend-record'; table: string; column: string; key: number[] }
  /** Features go, and a job is queued that embeds the video again from its file, which has the content that was indexed. */
  | { kind: 'embed-again'; videoId: number }
  /** Features of a watched clip go, and the next server embeds it anew from its clip or video. */
  | { kind: 'embed-watch-again'; watchId: number }
  | { kind: 'delete-file'; path: string }
  | { kind: 'rebuild-snapshot'; modelId: string; dimension: number };

export interface Problem {
  code: ProblemCode;
  /** A path, "video 5", or the part of the data folder. */
  subject: string;
  detail: string;
  /** Null when only someone else can put it right: then `remedy` says how. */
  repair: Repair | null;
  remedy: string;
}

export interface Checked {
  videos: number;
  segments: number;
  files: number;
  /** Of how many files the content was compared (`deep`). */
  hashedFiles: number;
  snapshots: number;
}

/** Of one look at a data folder. */
export interface Findings {
  problems: Problem[];
  checked: Checked;
  /** What was not looked at, and why. */
  skipped: string[];
}

/** The state of the data folder; the exit code of `cliptrace verify` follows it. */
export type VerifyStatus = 'sound' | 'repairable' | 'repaired' | 'unrepairable';

export interface VerifyReport {
  status: VerifyStatus;
  /** What was found, also between two rounds of a repair: some things only show when others have been put right. */
  problems: Problem[];
  /** What is left after the repair; null without one. */
  remaining: Problem[] | null;
  checked: Checked;
  /** What was not looked at, and why. */
  skipped: string[];
  elapsedSeconds: number;
}
