import { findJob } from '../http/found.js';
import { defineRoute } from '../http/route.js';
import { presentJob } from '../present/job.js';
import { idPath } from '../schemas/common.js';
import { job } from '../schemas/jobs.js';

export const pauseJob = defineRoute({
  name: 'pauseJob',
  method: 'post',
  address: '/jobs/{id}/pause',
  scope: 'ingest',
  summary: 'Pause a job',
  description:
    'Takes no body. Answers when nothing works on it any more; files that were begun are begun anew later. It stays paused, also over a restart of the server, and later jobs go before.',
  path: idPath,
  answers: { 200: { description: 'The job.', schema: job } },
  errors: ['JOB_NOT_FOUND', 'JOB_ALREADY_ENDED'],
  handle: async ({ services, principal, path }) => {
    await findJob(services.cliptrace, principal, path.id);
    return { status: 200, body: presentJob(await services.cliptrace.jobs.pause(path.id), principal) };
  },
});
