import type { Library, SegmentBatch, VideoInput } from '../../index/library/types.js';
import { unitVectors } from '../vectors/vectors.js';

export const MODEL = { id: 'test-model-00000001', dimension: 16, timesteps: 4 } as const;

export async function registerModel(
  library: Library,
  model: { id: string; dimension: number; timesteps: number },
): Promise<void> {
  await library.registerModel({ ...model, manifestJson: JSON.stringify(model) });
}

export function videoInput(change: Partial<VideoInput> = {}): VideoInput {
  return {
    collection: 'default',
    title: 'Harbour at dawn',
    label: null,
    contentHash: 'a'.repeat(64),
    sizeBytes: 123_456,
    durationSeconds: 12.5,
    width: 1280,
    height: 720,
    framesPerSecond: 29.97,
    codec: 'h264',
    container: 'mp4',
    hasAudio: true,
    damaged: false,
    ...change,
  };
}

export function segmentBatch(
  count: number,
  seed: number,
  model: { dimension: number; timesteps: number } = MODEL,
): SegmentBatch {
  return {
    spans: Array.from({ length: count }, (_, i) => ({ startSeconds: i, endSeconds: i + 2 })),
    embeddings: unitVectors(count, model.dimension, seed),
    timesteps: unitVectors(count * model.timesteps, model.dimension, seed + 1),
  };
}

export interface PutOptions {
  video?: Partial<Parameters<Library['putVideo']>[0]['video']>;
  path?: string;
  segments?: SegmentBatch;
  replaceVideoId?: number;
  modelId?: string;
  owned?: boolean;
}

/** Puts a video with 3 segments; `name` makes its content, path and vectors differ from others. */
export async function putVideo(library: Library, name: number, options: PutOptions = {}) {
  return await library.putVideo({
    video: { ...videoInput({ contentHash: `hash-${name}`, title: `Video ${name}` }), ...options.video },
    file: {
      path: options.path ?? `/archive/${name}.mp4`,
      sizeBytes: 1,
      modifiedMs: 1.5,
      owned: options.owned ?? false,
    },
    modelId: options.modelId ?? MODEL.id,
    segments: options.segments ?? segmentBatch(3, name * 1000),
    replaceVideoId: options.replaceVideoId,
  });
}
