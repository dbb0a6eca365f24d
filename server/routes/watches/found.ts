import { CliptraceError } from '../../../index/errors.js';
import type { ClipWatch, Delivery } from '../../../index/library/watch-types.js';
import { maySeeCollection, type Principal } from '../../access/principal.js';
import type { Services } from '../../services.js';

/**
 * Of every route of watches: one changes what is kept, as `ingest` allows, and tells what a search would, which an upload form's key
 * must not find by it.
 */
export const WATCH_SCOPES = { scope: 'ingest', alsoScope: 'search' } as const;

/** WATCH_NOT_FOUND, also for one of a collection that is not theirs. */
export async function findWatch(
  { cliptrace }: Services,
  principal: Principal,
  id: number,
): Promise<ClipWatch> {
  const watch = await cliptrace.library.watches.get(id);
  if (watch !== null && maySeeCollection(principal, watch.collection)) return watch;
  throw watchNotFound(id);
}

export function watchNotFound(id: number): CliptraceError {
  return new CliptraceError(
    'WATCH_NOT_FOUND',
    `There is no watch ${id}. GET /api/v1/watches lists what there is.`,
  );
}

/** WATCH_NOT_FOUND, DELIVERY_NOT_FOUND. */
export async function findDelivery(
  services: Services,
  principal: Principal,
  path: { id: number; deliveryId: number },
): Promise<Delivery> {
  const watch = await findWatch(services, principal, path.id);
  const delivery = await services.cliptrace.library.watches.getDelivery(path.deliveryId);
  if (delivery?.watchId === watch.id) return delivery;
  throw new CliptraceError(
    'DELIVERY_NOT_FOUND',
    `Watch ${watch.id} has no delivery ${path.deliveryId}. GET /api/v1/watches/${watch.id}/deliveries lists what there is.`,
  );
}
