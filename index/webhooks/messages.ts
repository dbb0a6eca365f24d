import type { Video } from '../library/types.js';
import type { ClipWatch, DeliveryInput } from '../library/watch-types.js';
import type { SearchHit } from '../search/types.js';
import { createMessageId } from './signature.js';

/** Tells that a video shows what is watched for. No path of the archive is in it. */
export function matchMessage(
  watch: ClipWatch,
  video: Video,
  hit: SearchHit,
  { contentHash, modelId }: { contentHash: string; modelId: string },
): DeliveryInput {
  const { id, title, collection, label, durationSeconds, addedAt } = video;
  const { score, verdict, evidence, boilerplate, speed, mirrored, parts } = hit;
  const { startSeconds, endSeconds, queryStartSeconds, queryEndSeconds } = hit;
  return {
    watchId: watch.id,
    messageId: createMessageId(),
    type: 'watch.matched',
    videoId: video.id,
    contentHash,
    body: bodyOf('watch.matched', {
      watch: shown(watch),
      video: { id, title, collection, label, durationSeconds, contentHash, addedAt },
      match: {
        score,
        verdict,
        similarity: Math.round(Math.min(1, evidence.similarity) * 10_000) / 10_000,
        boilerplate,
        ...{ startSeconds, endSeconds, queryStartSeconds, queryEndSeconds, speed, mirrored, parts },
      },
      model: { id: modelId },
    }),
  };
}

/** To try a receiver with. */
export function testMessage(watch: ClipWatch): DeliveryInput {
  return {
    watchId: watch.id,
    messageId: createMessageId(),
    type: 'watch.test',
    videoId: null,
    contentHash: null,
    body: bodyOf('watch.test', { watch: shown(watch) }),
  };
}

function shown({ id, name, collection, threshold }: ClipWatch) {
  return { id, name, collection, threshold };
}

function bodyOf(type: string, data: object): string {
  return JSON.stringify({ type, timestamp: new Date().toISOString(), data });
}
