import { describe, expect, it } from 'vitest';
import { type Candidate, chooseCandidates } from '../../index/search/candidates.js';
import { buildClipTrack } from '../../index/search/clip-track.js';
import type { EmbeddedQuery } from '../../index/search/embedded-query.js';
import { searchedClips, weightsOfAll } from '../../index/search/searched-clips.js';
import { unitVectors } from '../vectors/vectors.js';

const CLIP_SECONDS = 2;
const SHAPE = { dimension: 8, timesteps: 4, clipSeconds: CLIP_SECONDS };

function query(startsSeconds: number[], videoId: number | null): EmbeddedQuery {
  const timesteps = unitVectors(SHAPE.timesteps, SHAPE.dimension, 1);
  const span = { startSeconds: 0, endSeconds: (startsSeconds.at(-1) ?? 0) + CLIP_SECONDS };
  const track = buildClipTrack({
    clips: startsSeconds.map((startSeconds) => ({ startSeconds, timesteps })),
    ...SHAPE,
    span,
  });
  return {
    startsSeconds,
    weights: track.weights,
    variants: [{ embeddings: unitVectors(startsSeconds.length, SHAPE.dimension, 2), track, mirrored: false }],
    cutsSeconds: [],
    decodeMs: 0,
    encodeMs: 0,
    videoId,
  };
}

const every = (hopSeconds: number, count: number) => Array.from({ length: count }, (_, i) => i * hopSeconds);

describe('searchedClips', () => {
  it.each([
    ['20 s', every(1, 19)],
    ['a last clip that ends with the video', [...every(1, 30), 29.4]],
    ['clips a quarter of a second apart', every(0.25, 93)],
    ['clips with gaps between them', every(3, 40)],
    ['clips that just touch', every(2, 21)],
  ])('of a stored video leaves out no moment that a clip shows: %s', (_, starts) => {
    const clips = searchedClips(query(starts, 5));
    for (let seconds = 0.05; seconds < (starts.at(-1) as number) + CLIP_SECONDS; seconds += 0.1) {
      const shows = (clip: number) =>
        (starts[clip] as number) <= seconds && seconds < (starts[clip] as number) + CLIP_SECONDS;
      expect(clips.some(shows), `${seconds} s`).toBe(starts.some((_start, clip) => shows(clip)));
    }
    expect(clips).toEqual([...new Set(clips)].sort((a, b) => a - b));
    // One less would leave out something.
    expect(clips.length).toBeLessThanOrEqual(
      Math.ceil(((starts.at(-1) as number) + CLIP_SECONDS) / CLIP_SECONDS) + 1,
    );
  });

  it('of a file shows each moment twice, but for its ends, and takes all of a short query', () => {
    const starts = every(0.25, 93);
    const clips = searchedClips(query(starts, null));
    expect(clips).toHaveLength(25);
    for (let seconds = 2; seconds < 21; seconds += 0.1) {
      const showing = clips.filter((clip) => {
        const start = starts[clip] as number;
        return start <= seconds && seconds < start + CLIP_SECONDS;
      });
      expect(showing.length, `${seconds} s`).toBeGreaterThanOrEqual(2);
    }
    for (const videoId of [null, 5]) {
      expect(searchedClips(query(every(1, 7), videoId))).toHaveLength(7);
      expect(searchedClips(query(every(0.5, 12), videoId))).toHaveLength(8);
    }
  });
});

describe('weightsOfAll', () => {
  it('takes a clip that was not searched for what those before and after it both are', () => {
    const own = Float64Array.of(1, 1, 1, 0.25, 1, 1, 1);
    const weights = weightsOfAll(own, [0, 2, 4, 6], Float64Array.of(1, 0, 0, 1));
    expect([...weights]).toEqual([1, 1, 0, 0, 0, 1, 1]);
  });
});

describe('chooseCandidates', () => {
  it('does not lose a video that a single clip speaks for, among many that are a little like all clips', () => {
    const alike = Array.from({ length: 60 }, (_, i): Candidate => {
      return { videoId: i, votes: 5 - i / 100, highestVote: 0.1, offsetsSeconds: [0] };
    });
    const source: Candidate = { videoId: 99, votes: 0.5, highestVote: 0.5, offsetsSeconds: [0] };
    const chosen = chooseCandidates([...alike, source], 30);
    expect(chosen).toHaveLength(30);
    expect(chosen).toContain(source);
    expect(chosen.slice(0, 20)).toEqual(alike.slice(0, 20));
    expect(chooseCandidates([...alike, source], 100)).toHaveLength(61);
    expect(chooseCandidates([source], 1)).toEqual([source]);
  });
});
