import { describe, expect, it } from 'vitest';
import { latticesOf } from '../../index/search/clip-lattice.js';
import { buildClipTrack, type ClipTrack } from '../../index/search/clip-track.js';
import { evidenceOf } from '../../index/search/line-evidence.js';
import { MOST_LINES, NONE, plainFollower, vectorFollower } from '../../index/search/line-follower.js';
import { evidenceAtOffsets } from '../../index/search/offset-sweep.js';
import { SimilarityField } from '../../index/search/similarity-field.js';
import { randomNumbers, unitVectors } from '../vectors/vectors.js';

const OFFSET_STEP_SECONDS = 0.125;
const DIMENSION = 8;
const TIMESTEPS = 4;

/** Clips at the given moments; every third of them boilerplate where asked for. */
function track(
  startsSeconds: readonly number[],
  options: { seed: number; startSeconds: number; endSeconds: number; isBoilerplate?: boolean },
): ClipTrack {
  const { seed, startSeconds, endSeconds, isBoilerplate = false } = options;
  const features = unitVectors(startsSeconds.length * TIMESTEPS, DIMENSION, seed);
  const length = TIMESTEPS * DIMENSION;
  return buildClipTrack({
    clips: startsSeconds.map((start, i) => ({
      startSeconds: start,
      timesteps: features.subarray(i * length, (i + 1) * length),
      weight: isBoilerplate && i % 3 === 0 ? 0 : 1,
    })),
    dimension: DIMENSION,
    timesteps: TIMESTEPS,
    clipSeconds: 2,
    span: { startSeconds, endSeconds },
  });
}

const every = (hopSeconds: number, count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => from + i * hopSeconds);

const FIELDS: Record<string, () => SimilarityField> = {
  'equal hops': () =>
    new SimilarityField(
      track(every(1, 9), { seed: 1, startSeconds: 0, endSeconds: 10 }),
      track(every(1, 14), { seed: 2, startSeconds: 0, endSeconds: 15 }),
    ),
  'a finer query, and last clips that end with the file': () =>
    new SimilarityField(
      track([...every(0.25, 13), 3.07], { seed: 3, startSeconds: 0, endSeconds: 5.07 }),
      track([...every(1, 12), 11.43], { seed: 4, startSeconds: 0, endSeconds: 13.43 }),
    ),
  'a stretch of either': () =>
    new SimilarityField(
      track(every(0.5, 11, 7.3), { seed: 5, startSeconds: 7.1, endSeconds: 14.6 }),
      track(every(1, 20, 103), { seed: 6, startSeconds: 103.5, endSeconds: 123.2 }),
    ),
  'a single clip, longer than its file': () =>
    new SimilarityField(
      track([0], { seed: 7, startSeconds: 0, endSeconds: 1.2 }),
      track([0], { seed: 8, startSeconds: 0, endSeconds: 1.7 }),
    ),
  boilerplate: () =>
    new SimilarityField(
      track(every(0.5, 10), { seed: 9, startSeconds: 0, endSeconds: 6.5, isBoilerplate: true }),
      track(every(1, 14), { seed: 10, startSeconds: 0, endSeconds: 15, isBoilerplate: true }),
      { cap: 0.1 },
    ),
};

describe('evidenceAtOffsets', () => {
  it.each(Object.keys(FIELDS))('says of every line what evidenceOf does: %s', (name) => {
    const field = (FIELDS[name] as () => SimilarityField)();
    const { query, video } = field;
    let isAny = false;
    for (const speed of [1, 0.5, 0.63, 1.12, 2]) {
      for (const threshold of [0, 0.2, -1]) {
        // A little beyond where the two meet.
        const first = Math.floor((video.startSeconds - speed * query.endSeconds) / OFFSET_STEP_SECONDS) - 5;
        const last = Math.ceil((video.endSeconds - speed * query.startSeconds) / OFFSET_STEP_SECONDS) + 5;
        const evidences = evidenceAtOffsets(
          field,
          speed,
          { first, last, stepSeconds: OFFSET_STEP_SECONDS },
          threshold,
        );
        expect(evidences).toHaveLength(last - first + 1);
        for (let step = first; step <= last; step += 1) {
          const offsetSeconds = step * OFFSET_STEP_SECONDS;
          const expected = evidenceOf(field, { offsetSeconds, speed }, threshold);
          expect(evidences[step - first], `${speed} x, offset ${offsetSeconds} s`).toBeCloseTo(expected, 9);
          isAny ||= expected > 0;
        }
      }
    }
    expect(isAny).toBe(true);
  });

  it('follows more offsets than fit at once', () => {
    const field = (FIELDS['a stretch of either'] as () => SimilarityField)();
    const last = Math.ceil(field.video.endSeconds / OFFSET_STEP_SECONDS);
    const first = last - 2 * MOST_LINES - 7;
    const evidences = evidenceAtOffsets(field, 1, { first, last, stepSeconds: OFFSET_STEP_SECONDS }, 0);
    for (let step = first; step <= last; step += 1) {
      const expected = evidenceOf(field, { offsetSeconds: step * OFFSET_STEP_SECONDS, speed: 1 }, 0);
      if (Math.abs((evidences[step - first] as number) - expected) < 1e-9) continue;
      expect.fail(`step ${step}: ${evidences[step - first]} instead of ${expected}`);
    }
  });
});

describe('vectorFollower', () => {
  it('does what the plain one does, whichever lines meet a point', () => {
    const [plain, vector] = [plainFollower(), vectorFollower()];
    if (vector === null) return;
    const random = randomNumbers(12);
    const query = track(every(0.5, 9), { seed: 11, startSeconds: 0, endSeconds: 6 });
    const [places, clips, stride] = [TIMESTEPS, 9, 8];
    const values = Float32Array.from({ length: places * clips * stride }, () => random() - 0.5);
    const latticeAt = latticesOf(query, OFFSET_STEP_SECONDS, {
      earliestSeconds: -0.25,
      latestSeconds: 4.25,
    });
    for (const follower of [plain, vector]) {
      follower.begin({ values, stride });
      const { lines } = follower;
      lines.moments.fill(NONE);
      for (const array of [lines.gains, lines.borders, lines.sums, lines.bests]) array.fill(0);
      lines.beginnings.forEach((_, line) => {
        lines.beginnings[line] = line / 8;
      });
    }
    for (let point = 0; point < 300; point += 1) {
      const place = point % places;
      const lattice = latticeAt(place, 0.3 * (point % 7));
      const from = Math.floor(random() * lattice.count);
      // Now and then none; now and then up to the last line that there is.
      const count = Math.floor(random() * (lattice.count - from + 1));
      const first = point % 50 === 49 ? MOST_LINES - count : Math.floor(random() * 20);
      const base = place * clips * stride + Math.floor(random() * stride);
      for (const follower of [plain, vector]) {
        follower.read({ first, count, lattice, from, base });
        const seconds = point / 4;
        follower.follow({ first, count, seconds, sinceSeconds: seconds - 1, threshold: 0.05 });
      }
    }
    expect(vector.lines).toEqual(plain.lines);
    expect(Math.max(...vector.lines.bests)).toBeGreaterThan(0);
  });
});
