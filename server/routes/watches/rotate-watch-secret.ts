import { createWebhookSecret } from '../../../index/webhooks/signature.js';
import { defineRoute } from '../../http/route.js';
import { idPath } from '../../schemas/common.js';
import { type RotatedSecretJson, rotatedSecret } from '../../schemas/watches.js';
import { findWatch, WATCH_SCOPES, watchNotFound } from './found.js';

/** For a receiver to take the new one over. */
const OVERLAP_MS = 24 * 3600_000;

export const rotateWatchSecret = defineRoute({
  name: 'rotateWatchSecret',
  method: 'post',
  address: '/watches/{id}/secret',
  ...WATCH_SCOPES,
  summary: 'Give a watch a new secret',
  description: 'Takes no body. For a day each delivery is signed by the old secret, too.',
  path: idPath,
  answers: { 200: { description: 'The new secret, which is told this once.', schema: rotatedSecret } },
  errors: ['WATCH_NOT_FOUND'],
  handle: async ({ services, principal, path }) => {
    await findWatch(services, principal, path.id);
    const secret = createWebhookSecret();
    const previousSecretUntil = new Date(Date.now() + OVERLAP_MS).toISOString();
    const { watches } = services.cliptrace.library;
    if ((await watches.rotateSecret(path.id, secret, previousSecretUntil)) === null) {
      throw watchNotFound(path.id);
    }
    const body: RotatedSecretJson = { secret, previousSecretUntil };
    return { status: 200, body };
  },
});
