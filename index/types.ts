import type { WatchEmbedder } from './clip-watch/embed-watch.js';
import type { Encoder } from './encoder/types.js';
import type { JobQueue } from './ingest/types.js';
import type { Library } from './library/types.js';
import type { FfmpegProgram } from './media/types.js';
import type { Searcher } from './search/types.js';

/** Folders and files below the data folder. */
export interface DataFolder {
  root: string;
  databaseFile: string;
  lockFile: string;
  /** Snapshots of the vector index. */
  vectorsFolder: string;
  /** Uploaded videos that are kept. */
  mediaFolder: string;
  thumbnailsFolder: string;
  /** Swept at start. */
  temporaryFolder: string;
}

export type Readiness = { ready: true } | { ready: false; reason: string };

/** How the vector index came to be at this start. */
export interface IndexOpening {
  how: 'loaded' | 'rebuilt' | 'empty';
  /** Why it was rebuilt; null otherwise. */
  reason: string | null;
  segmentCount: number;
  elapsedMs: number;
}

/** The product without its command line and HTTP: what both are made of. */
export interface Cliptrace {
  readonly dataFolder: DataFolder;
  readonly library: Library;
  readonly encoder: Encoder;
  readonly ffmpeg: FfmpegProgram;
  readonly searcher: Searcher;
  /** Of clips that are to be watched for. */
  readonly watchEmbedder: WatchEmbedder;
  readonly jobs: JobQueue;
  /** Resolves when the vector index answers. */
  readonly opened: Promise<IndexOpening>;
  readiness(): Promise<Readiness>;
  /** Segments in the vector index; null while it loads. */
  indexSize(): Promise<number | null>;
  /** Its segments leave the index before this resolves. False when there is no such video. */
  removeVideo(videoId: number): Promise<boolean>;
  /**
   * Bytes of a JPEG of the video, at most a second from that time (two at its end). VIDEO_NOT_FOUND,
   * RANGE_NOT_IN_VIDEO; where indexing left no pictures also MEDIA_MISSING and DECODE_FAILED.
   */
  thumbnail(videoId: number, atSeconds: number): Promise<Buffer>;
  /** Path of the video's file as it lies on disk now. VIDEO_NOT_FOUND, MEDIA_MISSING. */
  mediaPath(videoId: number): Promise<string>;
  /** Writes the snapshot, stops workers and children. */
  close(): Promise<void>;
}
