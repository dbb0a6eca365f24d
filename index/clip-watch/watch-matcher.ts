import { setTimeout as sleep } from 'node:timers/promises';
import type { ModelManifest } from '../encoder/manifest.js';
import { errorCodeOf } from '../errors.js';
import type { Library } from '../library/types.js';
import type { Arrival, ClipWatch, WatchEmbedding } from '../library/watch-types.js';
import { matchVideo } from '../search/match-video.js';
import { matchMessage } from '../webhooks/messages.js';

export interface WatchMatcherParts {
  library: Library;
  manifest: ModelManifest;
  /** A delivery has been written. */
  onMatch?: ((watchId: number, videoId: number) => void) | undefined;
  /** A video that could not be compared, because what the library holds of it is damaged. */
  onSkip?: ((videoId: number, error: unknown) => void) | undefined;
}

const ARRIVALS_AT_A_TIME = 32;
const MAX_REST_MS = 200;

/**
 * Compares what has arrived with the clips that are watched for. How far each watch has come stands in the library and moves on in the transaction that
 * writes its delivery: whenever the process dies, nothing is lost and nothing told twice.
 */
export class WatchMatcher {
  readonly #parts: WatchMatcherParts;

  constructor(parts: WatchMatcherParts) {
    this.#parts = parts;
  }

  /** Resolves when every active watch of this model has been compared with all that has arrived, or at the signal. */
  async catchUp(signal: AbortSignal): Promise<void> {
    const { library, manifest } = this.#parts;
    const store = library.watches;
    while (!signal.aborted) {
      // Before the arrivals are read: what comes in between is taken the next time.
      const last = await store.lastArrival();
      const watches = (await store.active()).filter(({ modelId }) => modelId === manifest.id);
      const behind = watches.filter(({ matchedThrough }) => matchedThrough < last);
      if (behind.length === 0) return;
      const from = Math.min(...behind.map(({ matchedThrough }) => matchedThrough));
      const arrivals = await store.arrivalsAfter(from, ARRIVALS_AT_A_TIME, manifest.id);
      for (const watch of behind) await this.#compare(watch, arrivals, signal);
      if (signal.aborted) return;
      const through = arrivals.length < ARRIVALS_AT_A_TIME ? last : (arrivals.at(-1)?.sequence ?? last);
      await store.advance(
        behind.map(({ id }) => id),
        through,
        manifest.id,
      );
    }
  }

  async #compare(watch: ClipWatch, arrivals: readonly Arrival[], signal: AbortSignal): Promise<void> {
    const due = arrivals.filter(
      ({ sequence, collection }) =>
        sequence > watch.matchedThrough && (watch.collection === null || watch.collection === collection),
    );
    const embedding = due.length === 0 ? null : await this.#parts.library.watches.embeddingOf(watch.id);
    if (embedding === null) return;
    for (const arrival of due) {
      if (signal.aborted) return;
      const startedMs = performance.now();
      await this.#compareOne(watch, embedding, arrival, signal).catch((error: unknown) => {
        if (errorCodeOf(error) !== 'LIBRARY_DAMAGED') throw error;
        this.#parts.onSkip?.(arrival.videoId, error);
      });
      // Nobody waits for it as for a search: at most half of the time is its own.
      await sleep(Math.min(MAX_REST_MS, performance.now() - startedMs));
    }
  }

  async #compareOne(
    watch: ClipWatch,
    { query }: WatchEmbedding,
    { sequence, videoId, contentHash }: Arrival,
    signal: AbortSignal,
  ): Promise<void> {
    const { library, manifest, onMatch } = this.#parts;
    const hit = await matchVideo({ library, manifest }, query, videoId, signal);
    if (hit === null || hit.score < watch.threshold) return;
    const video = await library.getVideo(videoId);
    // What was compared is what will be told of: it may have been replaced just now, and then it arrives once more.
    if (video === null || video.contentHash !== contentHash) return;
    const message = matchMessage(watch, video, hit, { contentHash, modelId: manifest.id });
    if (await library.watches.recordMatch(sequence, message)) onMatch?.(watch.id, videoId);
  }
}
