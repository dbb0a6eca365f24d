import { API_PREFIX } from '../address.js';
import { requireCollection, requireOwnCollection } from '../http/found.js';
import { defineRoute } from '../http/route.js';
import { presentJob } from '../present/job.js';
import { createBoilerplateBody } from '../schemas/boilerplate.js';
import { job } from '../schemas/jobs.js';

export const createBoilerplate = defineRoute({
  name: 'createBoilerplate',
  method: 'post',
  address: '/boilerplate',
  scope: 'ingest',
  summary: 'Look through a collection for boilerplate now',
  description: 'A job. The server does it by itself when a collection has grown by a quarter.',
  json: createBoilerplateBody,
  answers: {
    202: { description: 'The queued job.', schema: job, headers: { Location: 'Address of the job.' } },
  },
  errors: ['COLLECTION_NOT_FOUND', 'KEY_NOT_ALLOWED'],
  handle: async ({ services, principal, json }) => {
    const { collection } = json as NonNullable<typeof json>;
    requireOwnCollection(principal, collection);
    await requireCollection(services.cliptrace, principal, collection);
    const created = await services.cliptrace.jobs.submit({ type: 'boilerplate', collection });
    return {
      status: 202,
      headers: { Location: `${API_PREFIX}/jobs/${created.id}` },
      body: presentJob(created, principal),
    };
  },
});
