import type { ModelManifest } from '../encoder/manifest.js';
import { ERRORS, type ErrorCode, errorCodeOf, errorMessageOf } from '../errors.js';
import type { JobQueue } from '../ingest/types.js';
import type { Library } from '../library/types.js';
import { SPOILT_MODEL_ID } from '../library/watch-feature-checks.js';
import type { ClipWatch } from '../library/watch-types.js';
import type { WebhookDeliverer } from '../webhooks/deliverer.js';
import type { WatchEmbedder } from './embed-watch.js';
import { WatchMatcher } from './watch-matcher.js';

export interface WatchServiceParts {
  library: Library;
  embedder: WatchEmbedder;
  manifest: ModelManifest;
  jobs: Pick<JobQueue, 'subscribeAll'>;
  deliverer: WebhookDeliverer;
  logger: {
    info(what: object, message: string): void;
    warn(what: object, message: string): void;
  };
}

/** Videos come by jobs of this process, which tell of each; this is for what they do not tell. */
const LOOK_INTERVAL_MS = 1000;
/** How often clips that another model embedded are tried anew. */
const EMBED_INTERVAL_MS = 30_000;
const REST_MS = 5000;

/** Watches for clips while a server runs: embeds them anew when the model has changed, compares what arrives, and has matches delivered. */
export class WatchService {
  readonly deliverer: WebhookDeliverer;
  readonly #parts: WatchServiceParts;
  readonly #matcher: WatchMatcher;
  readonly #stopping = new AbortController();
  /** Why a clip of another model could not be embedded anew. */
  readonly #embedErrors = new Map<number, { code: ErrorCode; message: string }>();
  #unsubscribe: (() => void) | null = null;
  #timer: NodeJS.Timeout | null = null;
  #working: Promise<void> | null = null;
  #workAgain = false;
  #comparedThrough = -1;
  #embeddedAtMs = 0;
  #restUntilMs = 0;

  constructor(parts: WatchServiceParts) {
    const { library, manifest, logger } = parts;
    this.#parts = parts;
    this.deliverer = parts.deliverer;
    this.#matcher = new WatchMatcher({
      library,
      manifest,
      onMatch: (watchId, videoId) => {
        logger.info({ watchId, videoId }, 'a watched clip was found');
        parts.deliverer.wake();
      },
      onSkip: (videoId, error) =>
        logger.warn(
          { videoId, reason: errorMessageOf(error) },
          'a video could not be compared with what is watched for',
        ),
    });
  }

  start(): void {
    if (this.#timer !== null) return;
    this.#timer = setInterval(() => this.#look(), LOOK_INTERVAL_MS).unref();
    this.#unsubscribe = this.#parts.jobs.subscribeAll((event) => {
      if (event.type === 'progress') return;
      // The video that a watch was made from may have been embedded anew.
      if (event.type === 'end') this.#embeddedAtMs = 0;
      this.#look();
    });
    this.deliverer.start();
    this.#look();
  }

  /** Bounded by what a delivery in hand is given. */
  async stop(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    this.#unsubscribe?.();
    this.#stopping.abort();
    await Promise.all([this.#working, this.deliverer.stop()]);
  }

  /** Why an active watch finds nothing at the moment; null when it does. */
  staleness({ id, modelId }: ClipWatch): { code: ErrorCode; message: string } | null {
    const { manifest } = this.#parts;
    if (modelId === manifest.id) return null;
    const code = this.#embedErrors.get(id)?.code;
    return {
      code: code ?? 'MODEL_CHANGED',
      message:
        (modelId === SPOILT_MODEL_ID
          ? 'What the model made of its clip was spoilt on the disk. '
          : `Its clip was embedded by ${modelId}, but the library is searched by ${manifest.id}. `) +
        // What went wrong at length names files of this machine.
        (code === undefined
          ? 'It is being embedded anew.'
          : `It could not be embedded anew: ${ERRORS[code].title}. It is tried again; what arrives meanwhile is kept.`),
    };
  }

  #look(): void {
    if (this.#stopping.signal.aborted || Date.now() < this.#restUntilMs) return;
    this.#workAgain = this.#working !== null;
    this.#working ??= this.#work().finally(() => {
      this.#working = null;
      if (this.#workAgain) this.#look();
    });
  }

  async #work(): Promise<void> {
    const { signal } = this.#stopping;
    try {
      const embedded = await this.#embedStale();
      const last = await this.#parts.library.watches.lastArrival();
      if (last === this.#comparedThrough && !embedded) return;
      await this.#matcher.catchUp(signal);
      if (!signal.aborted) this.#comparedThrough = last;
    } catch (error) {
      if (signal.aborted) return;
      this.#restUntilMs = Date.now() + REST_MS;
      this.#parts.logger.warn(
        { code: errorCodeOf(error), reason: errorMessageOf(error) },
        'watches could not be matched; they are tried again',
      );
    }
  }

  /** True when a watch can be compared again. What arrived meanwhile has been kept for it. */
  async #embedStale(): Promise<boolean> {
    const nowMs = Date.now();
    if (nowMs - this.#embeddedAtMs < EMBED_INTERVAL_MS) return false;
    this.#embeddedAtMs = nowMs;
    const { library, embedder, manifest, logger } = this.#parts;
    const stale = (await library.watches.active()).filter(({ modelId }) => modelId !== manifest.id);
    let done = 0;
    for (const watch of stale) {
      if (this.#stopping.signal.aborted) break;
      try {
        await library.watches.putEmbedding(
          watch.id,
          await embedder.embed(watch.source, this.#stopping.signal),
        );
        this.#embedErrors.delete(watch.id);
        done += 1;
      } catch (error) {
        if (this.#stopping.signal.aborted) break;
        const told = { code: errorCodeOf(error), message: errorMessageOf(error) };
        if (this.#embedErrors.get(watch.id)?.message !== told.message) {
          logger.warn(
            { watchId: watch.id, code: told.code, reason: told.message },
            'a watched clip could not be embedded anew',
          );
        }
        this.#embedErrors.set(watch.id, told);
      }
    }
    return done > 0;
  }
}
