import { findJob } from '../http/found.js';
import { defineRoute } from '../http/route.js';
import { presentJob } from '../present/job.js';
import { idPath } from '../schemas/common.js';
import { job } from '../schemas/jobs.js';

export const cancelJob = defineRoute({
  name: 'cancelJob',
  method: 'post',
  address: '/jobs/{id}/cancel',
  scope: 'ingest',
  summary: 'Cancel a job',
  description: 'Takes no body. Videos that were finished before stay in the library.',
  path: idPath,
  answers: { 200: { description: 'The job.', schema: job } },
  errors: ['JOB_NOT_FOUND', 'JOB_ALREADY_ENDED'],
  handle: async ({ services, principal, path }) => {
    await findJob(services.cliptrace, principal, path.id);
    return { status: 200, body: presentJob(await services.cliptrace.jobs.cancel(path.id), principal) };
  },
});
