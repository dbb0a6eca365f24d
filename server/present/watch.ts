import { ERRORS } from '../../index/errors.js';
import type { ClipWatch, Delivery, DeliveryAttempt } from '../../index/library/watch-types.js';
import type { DeliveryJson, DeliveryWithAttemptsJson, WatchJson } from '../schemas/watches.js';
import type { Services } from '../services.js';

/** Everything but its secrets. */
export async function presentWatch(watch: ClipWatch, { cliptrace, watches }: Services): Promise<WatchJson> {
  const { id, name, collection, threshold, url, source, modelId, createdAt, updatedAt } = watch;
  const stale = watch.status === 'active' ? watches.staleness(watch) : null;
  const disabled =
    watch.statusCode === null
      ? null
      : { code: watch.statusCode, message: `${ERRORS[watch.statusCode].title}.` };
  return {
    ...{ id, name, collection, threshold, url },
    status: stale === null ? watch.status : 'stale',
    reason: stale ?? disabled,
    source: {
      videoId: source.kind === 'video' ? source.videoId : null,
      startSeconds: source.startSeconds,
      endSeconds: source.endSeconds,
    },
    modelId,
    pendingDeliveries: await cliptrace.library.watches.pendingDeliveries(id),
    createdAt,
    updatedAt,
  };
}

export function presentDelivery(delivery: Delivery): DeliveryJson {
  const { id, watchId, messageId, type, status, videoId, attemptCount, createdAt, endedAt } = delivery;
  const { nextAttemptMs, lastAttempt } = delivery;
  return {
    ...{ id, watchId, messageId, type, status, videoId, attemptCount },
    nextAttemptAt: nextAttemptMs === null ? null : new Date(nextAttemptMs).toISOString(),
    createdAt,
    endedAt,
    lastAttempt,
  };
}

export function presentDeliveryWithAttempts(
  delivery: Delivery,
  attempts: DeliveryAttempt[],
): DeliveryWithAttemptsJson {
  return { ...presentDelivery(delivery), attempts, body: delivery.body };
}
