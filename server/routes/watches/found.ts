import { CliptraceError } from '../../../index/errors.js';
import type { ClipWatch, Delivery } from '../../../index/library/watch-types.js';
import { may, maySeeCollection, type Principal } from '../../access/principal.js';
import type { Services } from '../../services.js';

/** A watch tells what a search would: an upload form's key must not find by it what it may not search for. KEY_NOT_ALLOWED. */
export function requireSearchToo(principal: Principal): void {
  if (may(principal, 'search')) return;
  throw new CliptraceError(
    'KEY_NOT_ALLOWED',
    'Watches tell what a search would find: they need a key with the scopes ingest and search.',
  );
}

/** WATCH_NOT_FOUND, also for one of a collection that is not theirs; KEY_NOT_ALLOWED. */
export async function findWatch(
  { cliptrace }: Services,
  principal: Principal,
  id: number,
): Promise<ClipWatch> {
  requireSearchToo(principal);
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

/** WATCH_NOT_FOUND, DELIVERY_NOT_FOUND, KEY_NOT_ALLOWED. */
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
