import { API_PREFIX } from '../address.js';
import { requireCollection, requireOwnCollection } from '../http/found.js';
import { defineRoute } from '../http/route.js';
import { presentJob } from '../present/job.js';
import { createDuplicatesBody, duplicates } from '../schemas/duplicates.js';

export const createDuplicates = defineRoute({
  name: 'createDuplicates',
  method: 'post',
  address: '/duplicates',
  scope: 'ingest',
  summary: 'List all groups of near-duplicates, with their time offsets',
  description:
    'A job: it waits for its turn, and can be paused and cancelled at /jobs/{id}, with the same id.',
  json: createDuplicatesBody,
  answers: {
    202: {
      description: 'The queued job.',
      schema: duplicates,
      headers: { Location: 'Address of the list.' },
    },
  },
  errors: ['COLLECTION_NOT_FOUND', 'KEY_NOT_ALLOWED'],
  handle: async ({ services, principal, json }) => {
    const { collection, minScore } = json as NonNullable<typeof json>;
    requireOwnCollection(principal, collection ?? null);
    await requireCollection(services.cliptrace, principal, collection);
    const job = await services.cliptrace.jobs.submit({
      type: 'duplicates',
      collection: collection ?? null,
      minScore,
    });
    return {
      status: 202,
      headers: { Location: `${API_PREFIX}/duplicates/${job.id}` },
      body: { job: presentJob(job, principal), report: null },
    };
  },
});
