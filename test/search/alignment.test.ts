import { describe, expect, it } from 'vitest';
import { type Alignment, type AlignRequest, align as alignField } from '../../index/search/alignment.js';
import { buildClipTrack, type ClipTrack } from '../../index/search/clip-track.js';
import { evidenceOf } from '../../index/search/line-evidence.js';
import { findLines } from '../../index/search/line-search.js';
import { BEGIN_COST, bestPath, CELL_SECONDS, CHANGE_COST } from '../../index/search/match-path.js';
import { type Line, SimilarityField } from '../../index/search/similarity-field.js';

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

const THRESHOLD = 0.5;

function align(
  input: { query: ClipTrack; video: ClipTrack } & Partial<AlignRequest>,
): (Alignment & { score: number })[] {
  const { query, video, ...rest } = input;
  const field = new SimilarityField(query, video);
  const seconds = query.endSeconds - query.startSeconds;
  return alignField({ field, threshold: THRESHOLD, maxAlignments: 1, anySpeed: false, ...rest }).map(
    (alignment) => ({ ...alignment, score: (alignment.similarity * alignment.matchedSeconds) / seconds }),
  );
}

/**
 * The definition, word for word: every timestep of the video that falls on the query is compared with what lies between the query's timesteps of the same
 * place before and after, weighted by their nearness, brought to length 1 where the two are alike (0.8); it stands for what is nearer to it than to its neighbours, at most a second
 * at the ends; of all runs of such timesteps the one with the largest sum of (similarity - threshold) x seconds counts.
 */
function slowEvidence(query: ClipTrack, video: ClipTrack, { offsetSeconds, speed }: Line): number {
  const cosine = (i: number, j: number, t: number) => {
    let sum = 0;
    for (let d = 0; d < DIMENSION; d += 1) {
      sum +=
        (query.features[(i * TIMESTEPS + t) * DIMENSION + d] as number) *
        (video.features[(j * TIMESTEPS + t) * DIMENSION + d] as number);
    }
    return sum;
  };
  const starts = [...query.startsSeconds];
  // What is as near as this lies on a border.
  const rounding = 1e-9;
  const slack = ((starts[1] as number) - (starts[0] as number)) / 2 + rounding;
  const points: { at: number; similarity: number }[] = [];
  video.startsSeconds.forEach((start, j) => {
    for (let t = 0; t < TIMESTEPS; t += 1) {
      const at = (start + (t + 0.5) * 0.5 - offsetSeconds) / speed;
      if (at < query.startSeconds - rounding || at >= query.endSeconds - rounding) continue;
      const wanted = at - (t + 0.5) * 0.5;
      const [first, last] = [starts[0] as number, starts.at(-1) as number];
      if (wanted < first - slack || wanted > last + slack) continue;
      const after = starts.findIndex((other) => other > wanted);
      const beyond = Math.max(0, first - wanted, wanted - last);
      let similarity: number;
      if (after === 0) similarity = cosine(0, j, t);
      else if (after === -1) similarity = cosine(starts.length - 1, j, t);
      else {
        const [a, b] = [starts[after - 1] as number, starts[after] as number];
        const weight = (wanted - a) / (b - a);
        const row = (i: number) =>
          query.features.subarray((i * TIMESTEPS + t) * DIMENSION, (i * TIMESTEPS + t + 1) * DIMENSION);
        const [one, other] = [row(after - 1), row(after)];
        const likeness = one.reduce((sum, value, d) => sum + value * (other[d] as number), 0);
        const between = one.map((value, d) => (1 - weight) * value + weight * (other[d] as number));
        const length = likeness >= 0.8 ? Math.hypot(...between) : 1;
        similarity = ((1 - weight) * cosine(after - 1, j, t) + weight * cosine(after, j, t)) / length;
      }
      points.push({ at, similarity: similarity - 0.2 * beyond });
    }
  });
  points.sort((a, b) => a.at - b.at);
  const start = Math.max(query.startSeconds, (video.startSeconds - offsetSeconds) / speed);
  const end = Math.min(query.endSeconds, (video.endSeconds - offsetSeconds) / speed);
  const gains = points.map(({ at, similarity }, i) => {
    const before = points[i - 1]?.at;
    const after = points[i + 1]?.at;
    const from = before === undefined ? Math.max(start, at - 1) : (before + at) / 2;
    const to = after === undefined ? Math.min(end, at + 1) : (at + after) / 2;
    return (similarity - THRESHOLD) * Math.max(0, to - from);
  });
  let best = 0;
  for (let first = 0; first < gains.length; first += 1) {
    for (let last = first; last < gains.length; last += 1) {
      best = Math.max(
        best,
        gains.slice(first, last + 1).reduce((sum, gain) => sum + gain, 0),
      );
    }
  }
  return best;
}

/** Every way to lay the cells on the lines or on none, one by one. */
function slowPath(profiles: readonly Float64Array[], lines: readonly Line[], threshold: number): number {
  const cells = profiles[0]?.length ?? 0;
  const none = lines.length;
  // `shownSeconds`: up to where the video has been shown.
  const go = (cell: number, state: number, shownSeconds: number): number => {
    if (cell === cells) return 0;
    let best = go(cell + 1, none, shownSeconds);
    for (const [next, { offsetSeconds, speed }] of lines.entries()) {
      const startSeconds = offsetSeconds + speed * cell * CELL_SECONDS;
      if (startSeconds < shownSeconds - 1e-9) continue;
      if (next !== state && state !== none && offsetSeconds <= (lines[state] as Line).offsetSeconds) continue;
      const gain = ((profiles[next]?.[cell] ?? 0) - threshold) * CELL_SECONDS;
      const cost = next === state ? 0 : state === none ? BEGIN_COST : CHANGE_COST;
      best = Math.max(best, gain - cost + go(cell + 1, next, startSeconds + speed * CELL_SECONDS));
    }
    return best;
  };
  return go(0, none, Number.NEGATIVE_INFINITY);
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

  it('weighs every line as the definition does', () => {
    const feature = scene(3, 40);
    const video = film(feature, { fromSeconds: 0, seconds: 20, hopSeconds: 1 });
    const query = film(feature, { fromSeconds: 5.4, seconds: 4, hopSeconds: 0.5, noise: 0.3 });
    const field = new SimilarityField(query, video);
    for (const speed of [0.5, 0.8, 1, 1.3, 2]) {
      for (let offsetSeconds = -5; offsetSeconds < 20; offsetSeconds += 0.37) {
        const line = { offsetSeconds, speed };
        expect(evidenceOf(field, line, THRESHOLD)).toBeCloseTo(slowEvidence(query, video, line), 5);
      }
    }
  });

  it('finds no less than a search of every offset and speed on a fine grid', () => {
    for (const [seed, trueSpeed] of [
      [3, 1],
      [13, 0.8],
      [23, 1.25],
      [33, 0.62],
    ] as const) {
      const feature = scene(seed, 40);
      const video = film(feature, { fromSeconds: 0, seconds: 14, hopSeconds: 1 });
      const query = film((at) => feature(3.3 + trueSpeed * at), {
        fromSeconds: 0,
        seconds: 6,
        hopSeconds: 0.25,
        noise: 0.3,
      });
      // `evidenceOf` is held to the definition above.
      const exactField = new SimilarityField(query, video);
      let exact = 0;
      for (let speed = 0.5; speed <= 2; speed *= 1.02) {
        for (let offset = -6; offset < 13; offset += 0.05) {
          exact = Math.max(exact, evidenceOf(exactField, { offsetSeconds: offset, speed }, THRESHOLD));
        }
      }
      const field = new SimilarityField(query, video);
      const [best] = findLines(field, { threshold: THRESHOLD, count: 1, anySpeed: true });
      expect(best?.evidence ?? 0, `speed ${trueSpeed}`).toBeGreaterThan(exact - 0.03 * 6);
      expect(best?.speed ?? 0).toBeCloseTo(trueSpeed, 1);
      expect(best?.offsetSeconds ?? 0).toBeCloseTo(3.3, 0);
    }
  });

  it('takes the best of all paths', () => {
    const random = randomStream(21);
    for (let round = 0; round < 60; round += 1) {
      const speed = [0.5, 1, 2][round % 3] as number;
      // A quarter of a second is passed over by two cells at speed 1; two seconds by more than there are.
      const lines = [0, 2, -0.25].map((offsetSeconds) => ({ offsetSeconds, speed }));
      const profiles = lines.map(() =>
        Float64Array.from({ length: 8 }, () => (random() > 0.8 ? Number.NEGATIVE_INFINITY : 2 * random())),
      );
      const { evidence } = bestPath(profiles, lines, THRESHOLD);
      expect(evidence).toBeCloseTo(Math.max(0, slowPath(profiles, lines, THRESHOLD)), 9);
    }
  });

  it('tells how fast the query runs, and where it then begins and ends', () => {
    for (const speed of [0.5, 0.8, 1.25, 2]) {
      const feature = scene(14, 60);
      const video = film(feature, { fromSeconds: 0, seconds: 40, hopSeconds: 1 });
      const query = film((at) => feature(9.6 + speed * at), { fromSeconds: 0, seconds: 8, hopSeconds: 0.25 });
      const [best] = align({ query, video, anySpeed: true });
      expect(best?.speed).toBeGreaterThan(speed * 0.95);
      expect(best?.speed).toBeLessThan(speed * 1.05);
      expect(Math.abs((best?.video.startSeconds ?? 0) - 9.6), `speed ${speed}`).toBeLessThan(0.4);
      expect(Math.abs((best?.video.endSeconds ?? 0) - 9.6 - 8 * speed), `speed ${speed}`).toBeLessThan(0.4);
    }
  });

  it('takes the same speed for granted where others fit no better', () => {
    const still = scene(15, 60);
    const video = film(() => still(3), { fromSeconds: 0, seconds: 20, hopSeconds: 1 });
    const query = film(() => still(3), { fromSeconds: 0, seconds: 5, hopSeconds: 0.25, noise: 0.2 });
    expect(align({ query, video, anySpeed: true })[0]?.speed).toBe(1);
  });

  it('never lays a query backwards, however little it has in common with the video', () => {
    for (let seed = 40; seed < 60; seed += 1) {
      const pieces = [scene(seed, 30), scene(seed + 100, 30)] as const;
      // Pieces of the video in the wrong order, and something else between.
      const mixed = (at: number) =>
        at < 3 ? pieces[0](14 + at) : at < 5 ? pieces[1](at) : pieces[0](at - 4);
      const video = film(pieces[0], { fromSeconds: 0, seconds: 20, hopSeconds: 1 });
      const query = film(mixed, { fromSeconds: 0, seconds: 8, hopSeconds: 0.25, noise: 0.6 });
      for (const { video: span, parts } of align({ query, video, anySpeed: true, cutsSeconds: [3, 5] })) {
        expect(span.endSeconds).toBeGreaterThan(span.startSeconds);
        const starts = parts.map((part) => part.video.startSeconds);
        expect(starts).toEqual([...starts].sort((a, b) => a - b));
      }
    }
  });

  it('finds both sides of a missing middle', () => {
    const feature = scene(16, 60);
    const video = film(feature, { fromSeconds: 0, seconds: 40, hopSeconds: 1 });
    const cut = (at: number) => (at < 5 ? feature(6 + at) : feature(10 + at));
    const query = film(cut, { fromSeconds: 0, seconds: 10, hopSeconds: 0.25 });
    const [best] = align({ query, video, anySpeed: true, cutsSeconds: [5] });
    expect(best?.parts.length).toBe(2);
    expect(best?.video.startSeconds).toBeCloseTo(6, 0);
    expect(best?.parts[0]?.video.endSeconds).toBeCloseTo(11, 0);
    expect(best?.parts[1]?.video.startSeconds).toBeCloseTo(15, 0);
    expect(best?.video.endSeconds).toBeCloseTo(20, 0);
    expect(best?.parts[0]?.query.endSeconds).toBe(5);
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
    const starts = found.map(({ video: span }) => Math.round(span.startSeconds)).sort((a, b) => a - b);
    expect(starts).toEqual([5, 25]);
    expect(found[0]?.evidence ?? 0).toBeGreaterThanOrEqual(found[1]?.evidence ?? 1);
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
