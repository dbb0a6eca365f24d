import { describe, expect, it } from 'vitest';
import { buildClipTrack, type ClipTrack } from '../../index/search/clip-track.js';
import { coarseMatch, coarseScore } from '../../index/search/coarse-match.js';
import { SimilarityField } from '../../index/search/similarity-field.js';
import { unitVectors } from '../vectors/vectors.js';

const SHAPE = { dimension: 8, timesteps: 4, clipSeconds: 2 };
const CLIP_VALUES = SHAPE.dimension * SHAPE.timesteps;

function track(features: Float32Array, hopSeconds: number, weights: readonly number[] = []): ClipTrack {
  const count = features.length / CLIP_VALUES;
  return buildClipTrack({
    clips: Array.from({ length: count }, (_, i) => ({
      startSeconds: i * hopSeconds,
      timesteps: features.subarray(i * CLIP_VALUES, (i + 1) * CLIP_VALUES),
      weight: weights[i] ?? 1,
    })),
    ...SHAPE,
    span: { startSeconds: 0, endSeconds: (count - 1) * hopSeconds + 2 },
  });
}

const clips = (count: number, seed: number) => unitVectors(count * SHAPE.timesteps, SHAPE.dimension, seed);

/** Every run of clips at every offset, one after another. */
function slowMatch(
  field: SimilarityField,
  threshold: number,
): { evidence: number; similarity: number; seconds: number } {
  const { query, video } = field;
  const similarities = field.clipSimilarities();
  const columns = video.startsSeconds.length;
  let best = { evidence: 0, similarity: 0, seconds: 0 };
  const hop = (query.startsSeconds[1] as number) - (query.startsSeconds[0] as number);
  for (let offset = -20 / hop; offset <= 20 / hop; offset += 1) {
    // Of runs with equal evidence the shortest: what is blank may lie at an end of it.
    for (let first = columns - 1; first >= 0; first -= 1) {
      const run = { evidence: 0, similarity: 0, seconds: 0 };
      for (let column = first; column < columns; column += 1) {
        const row = (video.startsSeconds[column] as number) / hop - offset;
        if (row < 0 || row >= query.startsSeconds.length) continue;
        const isBlank = query.weights[row] === 0 || video.weights[column] === 0;
        const similarity = Math.min(similarities[row * columns + column] as number, isBlank ? threshold : 1);
        // The video's hop.
        run.evidence += similarity - threshold;
        run.similarity += similarity;
        run.seconds += 1;
        if (run.evidence > best.evidence + 1e-12) best = { ...run, similarity: run.similarity / run.seconds };
      }
    }
  }
  return best;
}

describe('coarseMatch', () => {
  it.each([
    { hopSeconds: 1, isBoilerplate: false },
    { hopSeconds: 0.25, isBoilerplate: false },
    { hopSeconds: 0.5, isBoilerplate: true },
  ])('finds the best run of clips: %j', ({ hopSeconds, isBoilerplate }) => {
    for (let seed = 1; seed < 20; seed += 1) {
      const weights = isBoilerplate ? [0, 1, 1, 0] : [];
      const query = track(clips(9, seed), hopSeconds, weights);
      const field = new SimilarityField(query, track(clips(12, 100 + seed), 1, weights));
      for (const threshold of [0, 0.1, -1]) {
        const expected = slowMatch(field, threshold);
        const found = coarseMatch(field, threshold);
        const matchedSeconds = Math.min(field.querySeconds, expected.seconds);
        expect(found.similarity).toBeCloseTo(expected.similarity, 9);
        expect(found.matchedSeconds).toBeCloseTo(matchedSeconds, 9);
        expect(found.coverage).toBeCloseTo(matchedSeconds / field.querySeconds, 9);
      }
    }
  });

  it('puts a video that holds a part of the query before all others', () => {
    const query = clips(8, 1);
    const source = clips(15, 2);
    // Five of the query's clips, a second apart, from 6 s of the video on.
    source.set(query.subarray(2 * CLIP_VALUES, 7 * CLIP_VALUES), 6 * CLIP_VALUES);
    const scoreOf = (video: Float32Array) =>
      coarseScore(new SimilarityField(track(query, 1), track(video, 1)), 0.3);
    const others = Array.from({ length: 40 }, (_, i) => scoreOf(clips(15, 50 + i)));
    expect(scoreOf(source)).toBeGreaterThan(Math.max(...others) + 0.1);
  });

  it('has an answer for single clips', () => {
    const one = track(clips(1, 3), 1);
    expect(coarseMatch(new SimilarityField(one, one), 0.5)).toMatchObject({ coverage: 1, matchedSeconds: 2 });
  });
});
