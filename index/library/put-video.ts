import { CliptraceError } from '../errors.js';
import { checkUnitVectors, toUnitVectors } from '../vectors/unit-vectors.js';
import type { ModelRow } from './models.js';
import { liesOnlyAt } from './place-of-video.js';
import type { LibraryTables } from './sqlite-library.js';
import type { Library, SegmentBatch, Video } from './types.js';

export type PutVideoInput = Parameters<Library['putVideo']>[0];

/**
 * Writes video, file, segments and features; the caller wraps it in one transaction.
 *
 * One collection never holds two videos of the same content: where another video has it already, the file joins that
 * one, and a replaced video that is left without any file goes. A video whose old content turned up elsewhere while the
 * new one was embedded is not replaced: it belongs to that place.
 */
export function putVideo(tables: LibraryTables, input: PutVideoInput): Video {
  const { file, segments } = input;
  const model = tables.models.require(input.modelId);
  const checked = checkSegments(model, segments);
  const { collection, contentHash } = input.video;
  const collectionId = tables.collections.findOrCreate(collection);
  const twinId = tables.videos.findByContent(collectionId, contentHash);
  const replaced = replacedVideo(tables, input);

  const keepTwin = twinId !== null && twinId !== replaced?.id;
  const keptId = twinId ?? replaced?.id ?? null;
  const keptLabel = keptId === null ? null : (tables.videos.get(keptId)?.label ?? null);
  const video = { ...input.video, label: input.video.label === undefined ? keptLabel : input.video.label };
  const id = keptId ?? tables.videos.insert(collectionId, video, segments.spans.length);
  if (keepTwin && tables.blocks.hasAny(id, model)) {
    tables.videos.touch(id);
  } else {
    tables.segments.removeOfVideo(id);
    tables.blocks.removeOfVideo(id);
    const firstId = tables.segments.insert(id, model, segments.spans);
    tables.blocks.insert(id, model, firstId, checked);
    tables.boilerplate.addPlain(firstId, segments.plain ?? []);
    tables.videos.update(id, video, segments.spans.length);
    // The same content again is no news, unless it waited for this model.
    if (twinId === null) tables.arrivals.add(id, video.contentHash);
    else tables.arrivals.renew(id);
  }
  tables.files.put(collectionId, { ...file, videoId: id });
  if (keepTwin && replaced !== null && tables.files.ofVideo(replaced.id).length === 0) {
    tables.videos.remove(replaced.id);
  }
  return tables.videos.get(id) as Video;
}

/** The batch as it is stored: VECTOR_INVALID for what must not be. */
function checkSegments(model: ModelRow, batch: SegmentBatch): SegmentBatch {
  const count = batch.spans.length;
  checkUnitVectors(batch.timesteps, count * model.timesteps, model.dimension, 'Timestep features');
  return { ...batch, embeddings: toUnitVectors(batch.embeddings, count, model.dimension, 'Embeddings') };
}

function replacedVideo(tables: LibraryTables, { video, file, replaceVideoId }: PutVideoInput): Video | null {
  if (replaceVideoId === undefined) return null;
  const replaced = requireVideo(tables, replaceVideoId, video.collection);
  const isSame = replaced.contentHash === video.contentHash;
  return isSame || liesOnlyAt(tables.files.ofVideo(replaced.id), file.path) ? replaced : null;
}

function requireVideo(tables: LibraryTables, id: number, collection: string): Video {
  const video = tables.videos.get(id);
  if (video?.collection === collection) return video;
  throw new CliptraceError(
    'VIDEO_NOT_FOUND',
    `Video ${id} of collection ${collection} was removed meanwhile.`,
    {
      details: { videoId: id, collection },
    },
  );
}
