import { ThreadCalls } from '../threads/thread-calls.js';
import { startWorker } from '../threads/worker-thread.js';
import type { DataFolder } from '../types.js';
import type { AlignmentCalls } from './alignment-protocol.js';
import type {
  AlignedQuery,
  Aligner,
  AlignmentShare,
  MatchThresholds,
  Retried,
  SharedHit,
  ShareRequest,
  Standing,
} from './alignment-share.js';
import { ownThreadAligner, type TrackReader } from './candidate-share.js';

/** Below this, messages would take as long as what is shared out. */
const LEAST_CANDIDATES = 8;
/** So many searches the program's own thread aligns before others are started, which takes as long as a few: a command that searches once never gets there. */
const OWN_SEARCHES = 8;

type AlignmentThread = ThreadCalls<AlignmentCalls>;

export interface AlignmentThreadsParts {
  dataFolder: DataFolder;
  /** For the program's own thread. */
  reader: TrackReader;
  /** 1: none but the program's own. */
  count: number;
  /** Told once when no thread can be had; searches go on without. */
  onFailure: (error: Error) => void;
}

/**
 * Aligns the candidates of a search side by side, in threads that read the library by themselves, so that a search is over sooner and the event loop
 * stays free. A thread sees what has been committed; a candidate that it does not see has no hit. Answers are those of a single thread.
 */
export class AlignmentThreads implements Aligner {
  readonly #parts: AlignmentThreadsParts;
  readonly #own: Aligner;
  #ownSearches = 0;
  #starting: Promise<void> | null = null;
  #started: readonly AlignmentThread[] = [];
  #threads: readonly AlignmentThread[] = [];
  #lastShare = 0;
  #isClosing = false;

  constructor(parts: AlignmentThreadsParts) {
    this.#parts = parts;
    this.#own = ownThreadAligner(parts.reader);
  }

  /** How many threads share searches now; 0 where the program's own has them alone. */
  get runningCount(): number {
    return this.#threads.length;
  }

  share(request: ShareRequest, signal: AbortSignal | undefined) {
    const threads = this.#threads.filter(({ failure }) => failure === null);
    const isSmall = request.candidates.length < LEAST_CANDIDATES;
    if (isSmall || threads.length === 0) {
      if (!isSmall) this.#ownSearches += 1;
      if (this.#ownSearches >= OWN_SEARCHES) void this.start();
      return this.#own.share(request, signal);
    }
    const query = sharedQuery(request.query);
    // Good candidates, which take longer, come first: dealt out in turn, everyone has as many of them.
    return threads.map((thread, i) => {
      const positions = [...request.candidates.keys()].filter((at) => at % threads.length === i);
      const candidates = positions.map((at) => request.candidates[at] as (typeof request.candidates)[number]);
      this.#lastShare += 1;
      const share = new ThreadShare({
        thread,
        number: this.#lastShare,
        request: { ...request, query, candidates },
        signal,
      });
      return { share, positions };
    });
  }

  /** Resolves when the threads are ready, or cannot be had. Searches start them by themselves. */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#threads = [];
    await Promise.all(this.#started.map((thread) => thread.close()));
  }

  async #start(): Promise<void> {
    const { count, dataFolder, onFailure } = this.#parts;
    this.#started = Array.from({ length: count > 1 ? count : 0 }, () => {
      const worker = startWorker('alignment-worker', import.meta.url, { dataFolder });
      return new ThreadCalls<AlignmentCalls>(worker, 'A thread that aligns');
    });
    try {
      await Promise.all(this.#started.map((thread) => thread.call('open', {})));
      if (!this.#isClosing) this.#threads = this.#started;
    } catch (error) {
      if (!this.#isClosing) onFailure(error as Error);
    }
  }
}

/** The same, with features that every thread reads in one place. */
function sharedQuery({ variants, cutsSeconds }: AlignedQuery): AlignedQuery {
  return {
    cutsSeconds,
    variants: variants.map(({ track, mirrored }) => {
      const features = new Float32Array(new SharedArrayBuffer(track.features.byteLength));
      features.set(track.features);
      return { mirrored, track: { ...track, features } };
    }),
  };
}

interface ThreadShareParts {
  thread: AlignmentThread;
  /** By which the thread knows it. */
  number: number;
  request: ShareRequest;
  signal: AbortSignal | undefined;
}

/** A share in a thread. */
class ThreadShare implements AlignmentShare {
  readonly #thread: AlignmentThread;
  readonly #number: number;
  readonly #request: ShareRequest;
  readonly #signal: AbortSignal | undefined;
  /** Then the thread has forgotten it already. */
  #isFinished = false;
  readonly #drop = () => {
    // A thread that has ended has forgotten it.
    this.#thread.call('drop', { share: this.#number }).catch(() => undefined);
  };

  constructor({ thread, number, request, signal }: ThreadShareParts) {
    this.#thread = thread;
    this.#number = number;
    this.#request = request;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#drop);
  }

  compare(): Promise<number[]> {
    return this.#thread.call('begin', { share: this.#number, request: this.#request });
  }

  coarseScores(edgeThreshold: number): Promise<number[]> {
    return this.#thread.call('coarseScores', { share: this.#number, edgeThreshold });
  }

  align(chosen: readonly number[], thresholds: MatchThresholds): Promise<Standing[]> {
    return this.#thread.call('align', { share: this.#number, chosen, thresholds });
  }

  async finish(retried: readonly Retried[], mostEvidence: number): Promise<SharedHit[][]> {
    const hits = await this.#thread.call('finish', { share: this.#number, retried, mostEvidence });
    this.#isFinished = true;
    return hits;
  }

  close(): void {
    this.#signal?.removeEventListener('abort', this.#drop);
    if (!this.#isFinished) this.#drop();
  }
}
