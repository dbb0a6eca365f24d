import type { Cliptrace, IndexOpening } from '../../index/types.js';
import { redactDataFolder } from '../http/redact.js';
import { defineRoute } from '../http/route.js';
import { type ReadinessJson, readiness } from '../schemas/health.js';

export const getReadiness = defineRoute({
  name: 'getReadiness',
  method: 'get',
  address: '/readyz',
  alsoAtRoot: true,
  scope: null,
  isProbe: true,
  summary: 'Whether searches can be answered',
  answers: {
    200: { description: 'They can.', schema: readiness },
    503: { description: 'Not now; `reason` says why.', schema: readiness },
  },
  errors: [],
  handle: async ({ services: { cliptrace }, principal }) => {
    const state = await cliptrace.readiness();
    const { manifest } = cliptrace.encoder;
    const { version, source, warning, path } = cliptrace.ffmpeg;
    const redact = redactDataFolder(cliptrace.dataFolder);
    // Versions help who looks for a way in.
    const isKnown = principal.scopes.size > 0;
    const body: ReadinessJson = {
      ready: state.ready,
      reason: state.ready ? null : redact(state.reason).replaceAll(path, 'ffmpeg'),
      model: isKnown ? { id: manifest.id, dimension: manifest.dimension } : null,
      ffmpeg: isKnown ? { version, source, warning: warning?.replaceAll(path, 'ffmpeg') ?? null } : null,
      index: isKnown ? presentOpening(await openingNow(cliptrace)) : null,
    };
    return state.ready ? { status: 200, body } : { status: 503, headers: { 'Retry-After': '2' }, body };
  },
});

/** Null while the index loads, and when it could not be loaded. */
async function openingNow(cliptrace: Cliptrace): Promise<IndexOpening | null> {
  return Promise.race([
    cliptrace.opened.catch(() => null),
    new Promise<null>((resolve) => setImmediate(resolve, null)),
  ]);
}

function presentOpening(opening: IndexOpening | null): ReadinessJson['index'] {
  return opening === null
    ? null
    : { how: opening.how, reason: opening.reason, segmentCount: opening.segmentCount };
}
