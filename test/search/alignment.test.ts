import { describe, expect, it } from 'vitest';
import { align } from '../../index/search/alignment.js';
import { buildClipTrack, type ClipTrack } from '../../index/search/clip-track.js';

const DIMENSION = 32;
const TIMESTEPS = 4;
const CLIP = { dimension: DIMENSION, timesteps: TIMESTEPS, clipSeconds: 2 };

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

/** The clips of `seconds` of a scene, from `fromSeconds` of it on, in clips with the given hop. */
function film(
  feature: (atSeconds: number) => Float32Array,
  options: { fromSeconds: number; seconds: number; hopSeconds: number; noise?: number; seed?: number },
): ClipTrack {
  const { fromSeconds, seconds, hopSeconds, noise = 0 } = options;
  const random = randomStream(options.seed ?? 99);
  const clips = [];
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
    clips.push({ startSeconds: start, timesteps });
  }
  return buildClipTrack({ clips, ...CLIP, span: { startSeconds: 0, endSeconds: seconds } });
}

/**
 * The definition, word for word: each video clip that falls between the query's first and last clip is compared,
 * timestep by timestep, with the query's clips before and after its phase, weighted by their nearness; the mean
 * over these video clips is multiplied by the share of the query that lies in the video.
 */
function slowScore(query: ClipTrack, video: ClipTrack, offsetSeconds: number): number {
  const cosine = (i: number, j: number, t: number) => {
    let sum = 0;
    for (let d = 0; d < DIMENSION; d += 1) {
      sum +=
        (query.features[(i * TIMESTEPS + t) * DIMENSION + d] as number) *
        (video.features[(j * TIMESTEPS + t) * DIMENSION + d] as number);
    }
    return sum;
  };
  const similarity = (i: number, j: number) =>
    (cosine(i, j, 0) + cosine(i, j, 1) + cosine(i, j, 2) + cosine(i, j, 3)) / 4;
  const starts = [...query.startsSeconds];
  const found: number[] = [];
  video.startsSeconds.forEach((start, j) => {
    const phase = start - offsetSeconds;
    if (phase < (starts[0] as number) - 1e-6 || phase > (starts.at(-1) as number) + 1e-6) return;
    const after = starts.findIndex((other) => other > phase);
    if (after <= 0) found.push(similarity(after === 0 ? 0 : starts.length - 1, j));
    else {
      const [a, b] = [starts[after - 1] as number, starts[after] as number];
      const weight = (phase - a) / (b - a);
      found.push((1 - weight) * similarity(after - 1, j) + weight * similarity(after, j));
    }
  });
  if (found.length === 0) return 0;
  const overlap =
    Math.min(video.endSeconds, query.endSeconds + offsetSeconds) -
    Math.max(video.startSeconds, query.startSeconds + offsetSeconds);
  const share = Math.max(0, overlap) / (query.endSeconds - query.startSeconds);
  const mean = found.reduce((sum, value) => sum + value, 0) / found.length;
  return Math.min(1, Math.max(0, mean * share));
}

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
      // The score is that of the best offset that was tried, which lies within one step of the refined one.
      const near = [-0.125, -0.0625, 0, 0.0625, 0.125].map(
        (step) => Math.round(alignment.offsetSeconds * 8) / 8 + step,
      );
      const slow = near.map((offset) => slowScore(query, video, offset));
      expect(Math.min(...slow.map((score) => Math.abs(score - alignment.score)))).toBeLessThan(1e-6);
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
    const score = (query: ClipTrack) => align({ query, video, maxAlignments: 1 })[0]?.score ?? 0;
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

  it('aligns a query that is a single clip, and one that is shorter than a clip', () => {
    const feature = scene(10, 40);
    const video = film(feature, { fromSeconds: 0, seconds: 30, hopSeconds: 1 });
    const single = film(feature, { fromSeconds: 12, seconds: 2, hopSeconds: 0.25 });
    const [best] = align({ query: single, video, maxAlignments: 1 });
    expect(best?.offsetSeconds).toBeCloseTo(12, 5);
    expect(best?.video).toEqual({ startSeconds: expect.closeTo(12, 5), endSeconds: expect.closeTo(14, 5) });
    const blink = { ...single, endSeconds: 0.7 };
    const [short] = align({ query: blink, video, maxAlignments: 1 });
    expect(short?.video.startSeconds).toBeCloseTo(12, 5);
    expect(short?.video.endSeconds).toBeCloseTo(12.7, 5);
  });

  it('does not mistake the place in a clip for content', () => {
    // Every clip adds the same strong pattern to its places: clips of another phase agree in nothing else.
    const random = randomStream(11);
    const places = Array.from({ length: TIMESTEPS }, () => Float32Array.from({ length: DIMENSION }, random));
    const marked = (track: ClipTrack): ClipTrack => {
      const features = track.features.map((value, i) => {
        const place = places[Math.floor(i / DIMENSION) % TIMESTEPS] as Float32Array;
        return value + 0.5 * (place[i % DIMENSION] as number);
      });
      for (let start = 0; start < features.length; start += DIMENSION) {
        const timestep = features.subarray(start, start + DIMENSION);
        const norm = Math.hypot(...timestep);
        timestep.set(timestep.map((value) => value / norm));
      }
      return { ...track, features };
    };
    const feature = scene(11, 60);
    const video = marked(film(feature, { fromSeconds: 0, seconds: 40, hopSeconds: 1 }));
    const query = marked(film(feature, { fromSeconds: 17.6, seconds: 6, hopSeconds: 0.25 }));
    expect(align({ query, video, maxAlignments: 1 })[0]?.offsetSeconds).toBeCloseTo(17.6, 1);
  });

  it('has no answer without clips', () => {
    const empty = buildClipTrack({ clips: [], ...CLIP, span: { startSeconds: 0, endSeconds: 0 } });
    const video = film(scene(9, 10), { fromSeconds: 0, seconds: 5, hopSeconds: 1 });
    expect(align({ query: empty, video, maxAlignments: 1 })).toEqual([]);
    expect(align({ query: video, video: empty, maxAlignments: 1 })).toEqual([]);
  });
});
