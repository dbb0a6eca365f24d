import { findJob } from '../http/found.js';
import { defineRoute } from '../http/route.js';
import { presentJob } from '../present/job.js';
import { idPath } from '../schemas/common.js';
import { job } from '../schemas/jobs.js';

export const resumeJob = defineRoute({
  name: 'resumeJob',
  method: 'post',
  address: '/jobs/{id}/resume',
  scope: 'ingest',
  summary: 'Let a paused job go on',
  description:
    'Takes no body. The job is queued; files that are finished are not embedded again. A failed job can be resumed, too (an upload only when nothing was wrong with its file), when the cause is gone.',
  path: idPath,
  answers: { 200: { description: 'The job.', schema: job } },
  errors: ['JOB_NOT_FOUND', 'JOB_ALREADY_ENDED'],
  handle: async ({ services, principal, path }) => {
    await findJob(services.cliptrace, principal, path.id);
    return { status: 200, body: presentJob(await services.cliptrace.jobs.resume(path.id), principal) };
  },
});
