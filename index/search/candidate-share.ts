import { CliptraceError } from '../errors.js';
import type { Library } from '../library/types.js';
import { ReusedMemory } from '../number-memory.js';
import { Turns } from '../turns.js';
import type {
  Aligner,
  AlignmentShare,
  MatchThresholds,
  Retried,
  SharedHit,
  ShareRequest,
  Standing,
} from './alignment-share.js';
import { clipTrackOf } from './clip-track.js';
import { ComparedVideo, type FieldHit, nearestOf, stretchesOf } from './compared-video.js';
import { toExplanation } from './present-hit.js';
import { weighEvidence } from './weigh-evidence.js';

/** Where candidates are read. */
export type TrackReader = Pick<Library, 'tracksOf'>;

/** Candidates whose features are read at once: a few milliseconds. */
const READ_AT_ONCE = 8;

/** Aligns candidates on the calling thread, and lets others go ahead from time to time. */
export class CandidateShare implements AlignmentShare {
  readonly #reader: TrackReader;
  readonly #request: ShareRequest;
  readonly #signal: AbortSignal | undefined;
  readonly #turns = new Turns();
  /** Of all that this share reads and finds out, but not of its answers. */
  readonly #memory = new ReusedMemory();
  readonly #compared: ComparedVideo[] = [];
  /** Those that are aligned, with what they show where boilerplate speaks for nothing. */
  readonly #aligned = new Map<number, { capped: ComparedVideo; hits: FieldHit[] }>();
  #thresholds: MatchThresholds = { threshold: 1, edgeThreshold: 1 };
  #isWorking = false;
  #isClosed = false;

  constructor(reader: TrackReader, request: ShareRequest, signal?: AbortSignal) {
    this.#reader = reader;
    this.#request = request;
    this.#signal = signal;
  }

  compare(): Promise<number[]> {
    return this.#step(() => this.#compare());
  }

  coarseScores(edgeThreshold: number): Promise<number[]> {
    return this.#step(async () => this.#compared.map((video) => video.coarseScore(edgeThreshold)));
  }

  align(chosen: readonly number[], thresholds: MatchThresholds): Promise<Standing[]> {
    return this.#step(() => this.#align(chosen, thresholds));
  }

  finish(retried: readonly Retried[], mostEvidence: number): Promise<SharedHit[][]> {
    return this.#step(() => this.#finish(retried, mostEvidence));
  }

  close(): void {
    this.#isClosed = true;
    // A step that is under way has use for the memory, until it sees that it was cancelled or ends.
    if (!this.#isWorking) this.#forget();
  }

  async #compare(): Promise<number[]> {
    const { modelId, shape, query, candidates } = this.#request;
    for (let first = 0; first < candidates.length; first += READ_AT_ONCE) {
      const wanted = candidates
        .slice(first, first + READ_AT_ONCE)
        .map((candidate) => stretchesOf(query, candidate));
      const tracks = await this.#reader.tracksOf(modelId, wanted.flat(), this.#memory);
      let at = 0;
      for (const stretches of wanted) {
        const read = stretches.map(({ within, near }, i) => ({
          track: clipTrackOf(tracks[at + i] as (typeof tracks)[number], shape, within),
          near,
        }));
        at += stretches.length;
        this.#compared.push(ComparedVideo.compare(query, read, this.#memory));
      }
      await this.#giveTurn();
    }
    return nearestOf(this.#compared);
  }

  async #align(chosen: readonly number[], thresholds: MatchThresholds): Promise<Standing[]> {
    const { perVideo } = this.#request;
    this.#thresholds = thresholds;
    const standings: Standing[] = [];
    for (const candidate of chosen) {
      const video = this.#compared[candidate] as ComparedVideo;
      const capped = video.withCap(thresholds.threshold);
      const best = capped.align(thresholds, perVideo, false);
      // What merely resembles the query is an answer, too, when there is no better one; it may do so in boilerplate.
      const hits = best.length > 0 ? best : video.alignAnyway(perVideo);
      this.#aligned.set(candidate, { capped, hits });
      standings.push({ score: roughScore(hits[0]), evidence: hits[0]?.alignment.evidence ?? 0 });
      await this.#giveTurn();
    }
    return standings;
  }

  async #finish(retried: readonly Retried[], mostEvidence: number): Promise<SharedHit[][]> {
    const { threshold } = this.#thresholds;
    for (const { candidate, always } of retried) {
      const aligned = this.#aligned.get(candidate);
      // At another speed, too, it would hardly match better than the best does at its own.
      if (!aligned || (!always && aligned.capped.evidenceAtMost(threshold) <= mostEvidence)) continue;
      const best = aligned.capped.align(this.#thresholds, this.#request.perVideo, true);
      if (best.length > 0) aligned.hits = best;
      await this.#giveTurn();
    }
    return [...this.#aligned.values()].map(({ hits }) => hits.map((hit) => this.#shared(hit)));
  }

  async #step<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw searchCancelled();
    this.#isWorking = true;
    try {
      return await work();
    } finally {
      this.#isWorking = false;
      if (this.#isClosed) this.#forget();
    }
  }

  #forget(): void {
    this.#compared.length = 0;
    this.#aligned.clear();
    this.#memory.giveBack();
  }

  #shared({ field, alignment, mirrored }: FieldHit): SharedHit {
    const explanation = this.#request.explain ? toExplanation(field, alignment) : null;
    return { alignment, mirrored, explanation, ...weighEvidence(field, alignment) };
  }

  async #giveTurn(): Promise<void> {
    await this.#turns.give();
    if (this.#isClosed || this.#signal?.aborted) throw searchCancelled();
  }
}

export function searchCancelled(): CliptraceError {
  return new CliptraceError('CANCELLED', 'The search was cancelled');
}

function roughScore(hit: FieldHit | undefined): number {
  if (!hit) return 0;
  const { alignment, field } = hit;
  const share = Math.min(1, alignment.matchedSeconds / field.querySeconds);
  return Math.min(1, Math.max(0, alignment.similarity * share));
}

/** Aligns all candidates on the thread of the search. */
export function ownThreadAligner(reader: TrackReader): Aligner {
  return {
    share: (request, signal) => [
      { share: new CandidateShare(reader, request, signal), positions: [...request.candidates.keys()] },
    ],
  };
}
