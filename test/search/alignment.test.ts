import { describe, expect, it } from 'vitest';
import { align } from '../../index/search/alignment.js';
import { buildTimeline, similarityMatrix, type Timeline } from '../../index/search/timeline.js';

const DIMENSION = 32;
const CLIP = { dimension: DIMENSION, timestepsPerClip: 4, clipSeconds: 2 };

/** A repeatable stream of numbers in [-1, 1): a linear congruential generator (Numerical Recipes). */
function randomStream(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

/** A scene that changes all the time: feature(t) blends random directions that are a second apart. */
function scene(seed: number, seconds: number): (atSeconds: number) => Float32Array {
  const random = randomStream(seed);
  const keys = Array.from({ length: seconds + 4 }, () => Float32Array.from({ length: DIMENSION }, random));
  return (atSeconds) => {
    const at = Math.max(0, atSeconds + 1);
    const before = keys[Math.floor(at)] as Float32Array;
    const after = keys[Math.floor(at) + 1] as Float32Array;
    const weight = at - Math.floor(at);
    const blend = before.map((value, d) => value * (1 - weight) + (after[d] as number) * weight);
    const norm = Math.hypot(...blend);
    return blend.map((value) => value / norm);
  };
}

/** Timeline of `seconds` of a scene, from `fromSeconds` of it on, in clips with the given hop. */
function film(
  feature: (atSeconds: number) => Float32Array,
  options: { fromSeconds: number; seconds: number; hopSeconds: number; noise?: number; seed?: number },
): Timeline {
  const { fromSeconds, seconds, hopSeconds, noise = 0 } = options;
  const random = randomStream(options.seed ?? 99);
  const segments = [];
  for (let start = 0; start + 2 <= seconds + 1e-9; start += hopSeconds) {
    const timesteps = new Float32Array(4 * DIMENSION);
    for (let t = 0; t < 4; t += 1) {
      const clean = feature(fromSeconds + start + t * 0.5 + 0.25);
      const noisy = clean.map((value) => value + (noise * random()) / Math.sqrt(DIMENSION / 3));
      const norm = Math.hypot(...noisy);
      timesteps.set(
        noisy.map((value) => value / norm),
        t * DIMENSION,
      );
    }
    segments.push({ startSeconds: start, timesteps });
  }
  return buildTimeline({ segments, ...CLIP, startSeconds: 0, endSeconds: seconds });
}

/** The definition, word for word: mean over the query's timesteps of the similarity at that offset. */
function slowScore(query: Timeline, video: Timeline, offsetSeconds: number): number {
  const matrix = similarityMatrix(query, video);
  const columns = video.centresSeconds.length;
  let sum = 0;
  query.centresSeconds.forEach((centre, i) => {
    const at = centre + offsetSeconds;
    if (at < video.startSeconds || at >= video.endSeconds) return;
    const centres = [...video.centresSeconds];
    const right = centres.findIndex((other) => other > at);
    const row = (j: number) => matrix[i * columns + j] as number;
    if (right === 0) sum += row(0);
    else if (right < 0) sum += row(columns - 1);
    else {
      const [a, b] = [centres[right - 1] as number, centres[right] as number];
      sum += row(right - 1) + ((at - a) / (b - a)) * (row(right) - row(right - 1));
    }
  });
  return Math.min(1, Math.max(0, sum / query.centresSeconds.length));
}

describe('buildTimeline', () => {
  it('averages what overlapping clips see of one moment, and leaves out what lies behind the end', () => {
    const feature = scene(1, 10);
    const timeline = film(feature, { fromSeconds: 0, seconds: 5, hopSeconds: 1 });
    expect([...timeline.centresSeconds]).toEqual([
      0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75, 4.25, 4.75,
    ]);
    for (let i = 0; i < 10; i += 1) {
      const row = timeline.features.subarray(i * DIMENSION, (i + 1) * DIMENSION);
      expect(Math.hypot(...row)).toBeCloseTo(1, 5);
      expect([...row]).toEqual([...feature(0.25 + i * 0.5)].map((value) => expect.closeTo(value, 5)));
    }
    const short = buildTimeline({
      segments: [{ startSeconds: 0, timesteps: new Float32Array(4 * DIMENSION).fill(1) }],
      ...CLIP,
      startSeconds: 0,
      endSeconds: 0.9,
    });
    expect([...short.centresSeconds]).toEqual([0.25, 0.75]);
  });
});

describe('align', () => {
  it('finds the offset of a part within a tenth of a second, whatever its phase', () => {
    for (const fromSeconds of [0, 3.3, 7.85, 21.6, 33.95]) {
      const feature = scene(2, 60);
      const video = film(feature, { fromSeconds: 0, seconds: 40, hopSeconds: 1 });
      const query = film(feature, { fromSeconds, seconds: 6, hopSeconds: 0.25, noise: 0.5 });
      const [best] = align({ query, video, maxAlignments: 1 });
      expect(best?.offsetSeconds, `from ${fromSeconds} s`).toBeGreaterThan(fromSeconds - 0.1);
      expect(best?.offsetSeconds, `from ${fromSeconds} s`).toBeLessThan(fromSeconds + 0.1);
      expect(best?.video.startSeconds).toBeCloseTo(best?.offsetSeconds ?? Number.NaN, 5);
      expect((best?.video.endSeconds ?? 0) - (best?.video.startSeconds ?? 0)).toBeCloseTo(6, 1);
    }
  });

  it('gives each offset the score of the definition', () => {
    const feature = scene(3, 40);
    const video = film(feature, { fromSeconds: 0, seconds: 20, hopSeconds: 1 });
    const query = film(feature, { fromSeconds: 5.4, seconds: 4, hopSeconds: 0.5, noise: 0.3 });
    for (const alignment of align({ query, video, maxAlignments: 5 })) {
      expect(alignment.score).toBeCloseTo(slowScore(query, video, alignment.offsetSeconds), 6);
    }
    const best = align({ query, video, maxAlignments: 1 })[0];
    // No offset of a fine grid is better than the one found, beyond what the parabola may miss.
    for (let offset = -3; offset < 19; offset += 0.05) {
      expect(slowScore(query, video, offset)).toBeLessThan((best?.score ?? 0) + 0.01);
    }
  });

  it('tells which part of the query matches when the rest comes from elsewhere', () => {
    const source = scene(4, 60);
    const other = scene(5, 60);
    const video = film(source, { fromSeconds: 0, seconds: 40, hopSeconds: 1 });
    // Five seconds of something else, then ten seconds of the video from 12 s on.
    const joined = (at: number) => (at < 5 ? other(at) : source(at - 5 + 12));
    const query = film(joined, { fromSeconds: 0, seconds: 15, hopSeconds: 0.5 });
    const [best] = align({ query, video, maxAlignments: 1 });
    expect(best?.query.startSeconds).toBeGreaterThan(4);
    expect(best?.query.startSeconds).toBeLessThan(6);
    expect(best?.video.startSeconds).toBeGreaterThan(11);
    expect(best?.video.startSeconds).toBeLessThan(13);
    expect(best?.video.endSeconds).toBeCloseTo(22, 0);
  });

  it('scores the reverse of a scene lower than the scene itself', () => {
    const feature = scene(6, 30);
    const video = film(feature, { fromSeconds: 0, seconds: 20, hopSeconds: 1 });
    const forwards = film(feature, { fromSeconds: 4, seconds: 8, hopSeconds: 0.5 });
    const backwards = film((at) => feature(4 + 8 - at), { fromSeconds: 0, seconds: 8, hopSeconds: 0.5 });
    const score = (query: Timeline) => align({ query, video, maxAlignments: 1 })[0]?.score ?? 0;
    expect(score(forwards)).toBeGreaterThan(0.95);
    expect(score(backwards)).toBeLessThan(score(forwards) - 0.3);
  });

  it('returns several places that do not cover one another, best first', () => {
    const feature = scene(7, 60);
    // The same six seconds at 5 s and at 25 s.
    const twice = (at: number) => (at >= 25 && at < 31 ? feature(at - 20) : feature(at));
    const video = film(twice, { fromSeconds: 0, seconds: 40, hopSeconds: 1 });
    const query = film(feature, { fromSeconds: 5, seconds: 6, hopSeconds: 0.5 });
    const found = align({ query, video, maxAlignments: 3 });
    expect(found.length).toBe(3);
    const starts = found
      .slice(0, 2)
      .map(({ video: span }) => Math.round(span.startSeconds))
      .sort((a, b) => a - b);
    expect(starts).toEqual([5, 25]);
    expect(found[1]?.score ?? 0).toBeGreaterThanOrEqual(found[2]?.score ?? 1);
  });

  it('looks only near the given offsets when told to', () => {
    const feature = scene(8, 60);
    const video = film(feature, { fromSeconds: 0, seconds: 40, hopSeconds: 1 });
    const query = film(feature, { fromSeconds: 20, seconds: 6, hopSeconds: 0.5 });
    const near = align({
      query,
      video,
      maxAlignments: 1,
      near: { offsetsSeconds: [21], toleranceSeconds: 2 },
    });
    expect(near[0]?.offsetSeconds).toBeCloseTo(20, 1);
    const far = align({ query, video, maxAlignments: 1, near: { offsetsSeconds: [5], toleranceSeconds: 2 } });
    expect(far[0]?.score ?? 0).toBeLessThan((near[0]?.score ?? 0) / 2);
  });

  it('has no answer for an empty timeline', () => {
    const empty = buildTimeline({ segments: [], ...CLIP, startSeconds: 0, endSeconds: 0 });
    const video = film(scene(9, 10), { fromSeconds: 0, seconds: 5, hopSeconds: 1 });
    expect(align({ query: empty, video, maxAlignments: 1 })).toEqual([]);
    expect(align({ query: video, video: empty, maxAlignments: 1 })).toEqual([]);
  });
});
