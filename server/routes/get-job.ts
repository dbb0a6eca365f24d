import { findJob } from '../http/found.js';
import { defineRoute } from '../http/route.js';
import { presentJobWithFiles } from '../present/job.js';
import { idPath } from '../schemas/common.js';
import { jobWithFiles } from '../schemas/jobs.js';

export const getJob = defineRoute({
  name: 'getJob',
  method: 'get',
  address: '/jobs/{id}',
  scope: 'ingest',
  summary: 'How a job goes, and what became of its files',
  path: idPath,
  answers: { 200: { description: 'The job.', schema: jobWithFiles } },
  errors: ['JOB_NOT_FOUND'],
  handle: async ({ services, principal, path }) => {
    const job = await findJob(services.cliptrace, principal, path.id);
    const files = await services.cliptrace.library.jobFiles(job.id);
    return { status: 200, body: presentJobWithFiles(job, files, principal) };
  },
});
