import type { OpenedCliptrace } from '../../../index/cliptrace.js';
import { seeded } from '../../../index/evaluation/seeded-random.js';
import { allVideos } from '../../../index/library/all-videos.js';
import type { SegmentFeatures } from '../../../index/library/types.js';

/** Segments of a made-up video: 20 s at a hop of one. */
const SEGMENTS_PER_VIDEO = 19;
/**
 * How far features are moved from those of the real segment, in a direction of the video's own and in one of each segment: cosines of 0.8 to the real
 * one and 0.98 within the video, as between takes of one scene and within one.
 */
const VIDEO_SPREAD = 0.7;
const SEGMENT_SPREAD = 0.2;
const VIDEOS_PER_CATCH_UP = 100;

interface Source {
  segments: SegmentFeatures[];
  /** [segments, dimension] */
  embeddings: Float32Array;
}

/**
 * Adds made-up videos until the library holds so many segments. Their features are those of its real videos (`seed` collection), perturbed: no file
 * stands behind them and nothing is decoded, but to the search they are videos like others.
 */
export async function fillLibrary(
  cliptrace: OpenedCliptrace,
  options: { seedCollection: string; collection: string; segmentCount: number },
): Promise<void> {
  const { library, index, encoder } = cliptrace;
  const { id: modelId, dimension, timesteps } = encoder.manifest;
  const sources = await readSources(cliptrace, options.seedCollection);
  const random = seeded(7);
  let count = await library.countSegments(modelId);
  for (let number = 1; count < options.segmentCount; number += 1) {
    const source = sources[Math.floor(random() * sources.length)] as Source;
    const first = Math.floor(random() * source.segments.length);
    const own = direction(dimension, random);
    const embeddings = new Float32Array(SEGMENTS_PER_VIDEO * dimension);
    const features = new Float32Array(SEGMENTS_PER_VIDEO * timesteps * dimension);
    for (let i = 0; i < SEGMENTS_PER_VIDEO; i += 1) {
      const row = (first + i) % source.segments.length;
      const noise = direction(dimension, random);
      const put = (from: Float32Array, at: number, target: Float32Array, to: number) =>
        perturb(
          from.subarray(at * dimension, (at + 1) * dimension),
          own,
          noise,
          target.subarray(to * dimension, (to + 1) * dimension),
        );
      put(source.embeddings, row, embeddings, i);
      const real = (source.segments[row] as SegmentFeatures).timesteps;
      for (let step = 0; step < timesteps; step += 1) put(real, step, features, i * timesteps + step);
    }
    await library.putVideo({
      video: madeUpVideo(number, options.collection),
      file: { path: `/made-up/${number}.mp4`, sizeBytes: 1, modifiedMs: 1, owned: false },
      modelId,
      segments: {
        spans: Array.from({ length: SEGMENTS_PER_VIDEO }, (_, i) => ({ startSeconds: i, endSeconds: i + 2 })),
        embeddings,
        timesteps: features,
      },
    });
    count += SEGMENTS_PER_VIDEO;
    if (number % VIDEOS_PER_CATCH_UP === 0) await index.catchUp();
  }
  await index.catchUp();
  await index.saveSnapshot();
}

async function readSources(cliptrace: OpenedCliptrace, collection: string): Promise<Source[]> {
  const { library, encoder } = cliptrace;
  const sources: Source[] = [];
  for (const { id } of await allVideos(library, collection)) {
    const segments = await library.segmentsOf(id, encoder.manifest.id);
    const { vectors } = await library.embeddingsOf(id, encoder.manifest.id);
    sources.push({ segments, embeddings: vectors });
  }
  return sources;
}

function direction(dimension: number, random: () => number): Float32Array {
  const values = Float32Array.from({ length: dimension }, () => random() + random() + random() - 1.5);
  const norm = Math.hypot(...values);
  return values.map((value) => value / norm);
}

function perturb(real: Float32Array, own: Float32Array, noise: Float32Array, target: Float32Array): void {
  let sum = 0;
  for (let d = 0; d < real.length; d += 1) {
    const value =
      (real[d] as number) + VIDEO_SPREAD * (own[d] as number) + SEGMENT_SPREAD * (noise[d] as number);
    target[d] = value;
    sum += value * value;
  }
  const norm = Math.sqrt(sum);
  for (let d = 0; d < target.length; d += 1) target[d] = (target[d] as number) / norm;
}

function madeUpVideo(number: number, collection: string) {
  return {
    collection,
    title: `made-up-${number}`,
    label: null,
    contentHash: number.toString(16).padStart(64, '0'),
    sizeBytes: 1,
    durationSeconds: SEGMENTS_PER_VIDEO + 1,
    width: 320,
    height: 240,
    framesPerSecond: 25,
    codec: 'h264',
    container: 'mp4',
    hasAudio: false,
    damaged: false,
  };
}
