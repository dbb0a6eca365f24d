import { describe, expect, it } from 'vitest';
import { changeCorrelation as correlationIn } from '../../index/search/change-correlation.js';
import { buildClipTrack, type ClipTrack } from '../../index/search/clip-track.js';
import { SimilarityField } from '../../index/search/similarity-field.js';
import { between, seeded } from '../fixtures/seeded.js';

const TIMESTEPS = 4;
const DIMENSION = 24;
const CLIP_SECONDS = 2;

/** What a camera sees: a scene that stays, and changes that are smooth in time. Of the same scene and another take, only the changes differ. */
function footage(scene: number, take: number, share = 0.5) {
  const [stays, moves] = [seeded(scene), seeded(1000 + take)];
  const still = Array.from({ length: DIMENSION }, () => between(stays, -1, 1));
  const waves = still.map(
    () => [between(moves, 0.8, 2.5), between(moves, 0, 7), between(moves, 0.5, 1)] as const,
  );
  return (seconds: number) => {
    const raw = still.map((value, d) => {
      const [rate, phase, height] = waves[d] as (typeof waves)[number];
      return value + share * 2 * height * Math.sin(rate * seconds + phase);
    });
    const norm = Math.hypot(...raw);
    return raw.map((value) => value / norm);
  };
}

function trackOf(
  look: (seconds: number) => number[],
  {
    from,
    to,
    hop,
    weightOf = () => 1,
  }: { from: number; to: number; hop: number; weightOf?: (start: number) => number },
): ClipTrack {
  const clips = [];
  for (let start = from; start + CLIP_SECONDS <= to + 1e-9; start += hop) {
    const steps = Array.from({ length: TIMESTEPS }, (_, place) =>
      look(start + ((place + 0.5) * CLIP_SECONDS) / TIMESTEPS),
    );
    clips.push({
      startSeconds: start - from,
      timesteps: Float32Array.from(steps.flat()),
      weight: weightOf(start),
    });
  }
  const span = { startSeconds: 0, endSeconds: to - from };
  return buildClipTrack({
    clips,
    dimension: DIMENSION,
    timesteps: TIMESTEPS,
    clipSeconds: CLIP_SECONDS,
    span,
  });
}

function whole(querySeconds: number, videoStart: number, speed = 1) {
  const query = { startSeconds: 0, endSeconds: querySeconds };
  const video = { startSeconds: videoStart, endSeconds: videoStart + speed * querySeconds };
  return { parts: [{ query, video }], speed };
}

const changeCorrelation = (query: ClipTrack, video: ClipTrack, match: ReturnType<typeof whole>) =>
  correlationIn(new SimilarityField(query, video), match);

describe('the correlation of changes', () => {
  const video = trackOf(footage(1, 1), { from: 0, to: 12, hop: 1 });

  it('is near 1 for the footage itself, at whatever moment it was cut and at whatever speed it runs', () => {
    for (const start of [2, 2.31, 3.5, 4.87]) {
      const query = trackOf(footage(1, 1), { from: start, to: start + 5, hop: 0.25 });
      expect(changeCorrelation(query, video, whole(5, start)), `from ${start}`).toBeGreaterThan(0.97);
    }
    const fast = trackOf((seconds) => footage(1, 1)(2 + 1.25 * seconds), { from: 0, to: 5, hop: 0.25 });
    expect(changeCorrelation(fast, video, whole(5, 2, 1.25))).toBeGreaterThan(0.9);
  });

  it('is far lower for another take of the scene and for another moment, however alike they look', () => {
    for (let take = 2; take < 12; take += 1) {
      const query = trackOf(footage(1, take), { from: 3, to: 8, hop: 0.25 });
      expect(Math.abs(changeCorrelation(query, video, whole(5, 3)) as number)).toBeLessThan(0.75);
    }
    const query = trackOf(footage(1, 1), { from: 2, to: 7, hop: 0.25 });
    expect(changeCorrelation(query, video, whole(5, 4))).toBeLessThan(0.6);
  });

  it('is that of its definition, where clips of query and video begin together', () => {
    const query = trackOf(footage(1, 4), { from: 2, to: 8, hop: 1 });
    const pairs: [number[], number[]][] = [];
    for (let start = 2; start <= 6; start += 1) {
      for (let place = 0; place < TIMESTEPS; place += 1) {
        const at = start + ((place + 0.5) * CLIP_SECONDS) / TIMESTEPS;
        pairs.push([footage(1, 4)(at), footage(1, 1)(at)]);
      }
    }
    const mean = (side: 0 | 1, d: number) =>
      pairs.reduce((sum, pair) => sum + (pair[side][d] as number), 0) / pairs.length;
    let [both, left, right] = [0, 0, 0];
    for (let d = 0; d < DIMENSION; d += 1) {
      for (const [one, other] of pairs) {
        const [x, y] = [(one[d] as number) - mean(0, d), (other[d] as number) - mean(1, d)];
        both += x * y;
        left += x * x;
        right += y * y;
      }
    }
    const found = changeCorrelation(query, video, whole(6, 2));
    expect(found).toBeCloseTo(both / Math.sqrt(left * right), 5);
  });

  it('is unknown where nothing changes, and where hardly anything matches', () => {
    const still = trackOf(footage(1, 1, 0), { from: 0, to: 8, hop: 1 });
    expect(changeCorrelation(still, still, whole(8, 0))).toBeNull();
    const query = trackOf(footage(1, 1), { from: 2, to: 7, hop: 0.25 });
    expect(changeCorrelation(query, video, whole(0.4, 2))).toBeNull();
  });

  it('counts nothing where either shows boilerplate: that it ends is no change of the footage', () => {
    const ident = footage(99, 99);
    const isIdent = (seconds: number) => seconds < 4;
    const withIdent = (take: number) =>
      trackOf((seconds) => (isIdent(seconds) ? ident(seconds) : footage(1, take)(seconds)), {
        from: 0,
        to: 10,
        hop: 0.5,
        weightOf: (start) => (start + CLIP_SECONDS <= 4 ? 0 : 1),
      });
    const all = changeCorrelation(withIdent(1), withIdent(2), whole(10, 0)) as number;
    const unweighted = { ...withIdent(1), weights: new Float64Array(withIdent(1).weights.length).fill(1) };
    const other = { ...withIdent(2), weights: unweighted.weights };
    expect(changeCorrelation(unweighted, other, whole(10, 0))).toBeGreaterThan(all + 0.2);
  });
});
