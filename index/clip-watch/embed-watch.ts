import { CliptraceError } from '../errors.js';
import type { ClipBatcher } from '../ingest/clip-batcher.js';
import type { Library } from '../library/types.js';
import type { WatchEmbedding, WatchSource } from '../library/watch-types.js';
import type { FfmpegProgram, MediaLimits } from '../media/types.js';
import { embedFileQuery, MAX_QUERY_CLIPS } from '../search/embed-file-query.js';
import { embedStoredQuery } from '../search/embed-stored-query.js';

export interface WatchEmbedderParts {
  library: Library;
  batcher: ClipBatcher;
  ffmpeg: FfmpegProgram;
  limits: MediaLimits;
}

/** Embeds what is watched for as a search would, with every look that one might take. */
export class WatchEmbedder {
  readonly #parts: WatchEmbedderParts;

  constructor(parts: WatchEmbedderParts) {
    this.#parts = parts;
  }

  get modelId(): string {
    return this.#parts.batcher.encoder.manifest.id;
  }

  /** The errors of a search with that clip or video; MODEL_CHANGED also when the video shows something else by now. */
  async embed(source: WatchSource, signal?: AbortSignal): Promise<WatchEmbedding> {
    const range = {
      startSeconds: source.startSeconds ?? undefined,
      endSeconds: source.endSeconds ?? undefined,
    };
    const query =
      source.kind === 'clip'
        ? await embedFileQuery(
            { ...this.#parts, nearestSimilarities: 'all' },
            { kind: 'file', filePath: source.path, ...range },
            signal,
          )
        : await this.#embedVideo(source, range);
    if (query.startsSeconds.length > MAX_QUERY_CLIPS + 1) {
      throw new CliptraceError(
        'VIDEO_TOO_LONG',
        'The clip does not say how long it is, and is too long to be watched for. Give startSeconds and endSeconds.',
      );
    }
    return { modelId: this.modelId, query };
  }

  async #embedVideo(
    { videoId, contentHash }: Extract<WatchSource, { kind: 'video' }>,
    range: { startSeconds: number | undefined; endSeconds: number | undefined },
  ) {
    const { library, batcher } = this.#parts;
    const video = await library.getVideo(videoId);
    if (video !== null && video.contentHash !== contentHash) {
      throw new CliptraceError(
        'MODEL_CHANGED',
        `Video ${videoId} has other content now than when it was begun to be watched for. Make the watch anew.`,
      );
    }
    return embedStoredQuery(library, batcher.encoder.manifest, { kind: 'video', videoId, ...range });
  }
}
