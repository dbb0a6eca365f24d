import type { Segment } from '../library/types.js';
import type { Neighbours } from '../vectors/types.js';

/** A video that may hold the query, and where. */
export interface Candidate {
  videoId: number;
  /** Sum over the query's clips of the best similarity of one of the video's segments. */
  votes: number;
  /** The most that a single clip of the query gave. */
  highestVote: number;
  /** Offsets (video time minus query time) with the most votes, best first. */
  offsetsSeconds: number[];
}

const MAX_OFFSETS = 4;

/**
 * Groups the nearest segments of each query clip by video. What a video gets from a clip is how much nearer it
 * is than the farthest neighbour that was found: so a video that is merely near everything wins nothing.
 */
export function groupByVideo(input: {
  /** Start of each query clip, seconds. */
  queryStartsSeconds: readonly number[];
  neighbours: readonly Neighbours[];
  segments: ReadonlyMap<number, Segment>;
  binSeconds: number;
  /** What each query clip counts for, [clips]; 1 unless told. Where all show boilerplate, all count alike. */
  weights?: Float64Array | undefined;
}): Candidate[] {
  const { queryStartsSeconds, neighbours, segments, binSeconds } = input;
  const weights = input.weights?.some((weight) => weight > 0) ? input.weights : null;
  const tallies = new Map<number, Tally>();
  neighbours.forEach(({ ids, similarities }, clip) => {
    const floor = similarities.at(-1) ?? 0;
    const best = new Map<number, number>();
    ids.forEach((id, rank) => {
      const segment = segments.get(id);
      if (!segment) return;
      const gain = ((similarities[rank] as number) - floor) * (weights?.[clip] ?? 1);
      const tally = tallies.get(segment.videoId) ?? new Tally(binSeconds);
      tallies.set(segment.videoId, tally);
      tally.vote(segment.startSeconds - (queryStartsSeconds[clip] as number), gain);
      best.set(segment.videoId, Math.max(best.get(segment.videoId) ?? 0, gain));
    });
    for (const [videoId, gain] of best) tallies.get(videoId)?.add(gain);
  });
  return [...tallies]
    .map(([videoId, tally]) => ({
      videoId,
      votes: tally.votes,
      highestVote: tally.highestVote,
      // Only asked for of long videos that are chosen.
      get offsetsSeconds() {
        return tally.peaks(MAX_OFFSETS);
      },
    }))
    .sort((a, b) => b.votes - a.votes);
}

/**
 * `count` of the candidates, which are in the order of their votes: those with the most, and some for which a single clip of the query speaks more than any
 * does for others. They may hold a short part of a long query, whose other clips speak for videos that are a little like all of it.
 */
export function chooseCandidates(candidates: readonly Candidate[], count: number): Candidate[] {
  const byVotes = candidates.slice(0, count - Math.min(count, SINGLED_OUT));
  const others = candidates.slice(byVotes.length).sort((a, b) => b.highestVote - a.highestVote);
  return [...byVotes, ...others.slice(0, count - byVotes.length)];
}

/** Videos that are chosen for what a single clip says. */
const SINGLED_OUT = 6;

class Tally {
  votes = 0;
  highestVote = 0;
  readonly #bins = new Map<number, number>();
  readonly #binSeconds: number;

  constructor(binSeconds: number) {
    this.#binSeconds = binSeconds;
  }

  add(gain: number): void {
    this.votes += gain;
    this.highestVote = Math.max(this.highestVote, gain);
  }

  vote(offsetSeconds: number, gain: number): void {
    const bin = Math.round(offsetSeconds / this.#binSeconds);
    this.#bins.set(bin, (this.#bins.get(bin) ?? 0) + gain);
  }

  /** Bins with the most votes, each with half of its neighbours', at least two bins apart. */
  peaks(count: number): number[] {
    const smoothed = [...this.#bins.keys()]
      .map((bin) => ({ bin, votes: this.#at(bin) + (this.#at(bin - 1) + this.#at(bin + 1)) / 2 }))
      .sort((a, b) => b.votes - a.votes);
    const chosen: number[] = [];
    for (const { bin } of smoothed) {
      if (chosen.length === count) break;
      if (chosen.every((other) => Math.abs(other - bin) > 1)) chosen.push(bin);
    }
    return chosen.map((bin) => bin * this.#binSeconds);
  }

  #at(bin: number): number {
    return this.#bins.get(bin) ?? 0;
  }
}
