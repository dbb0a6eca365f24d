import { CliptraceError } from '../../index/errors.js';
import type { DuplicatesReport } from '../../index/search/duplicates/types.js';
import { findJob } from '../http/found.js';
import { defineRoute } from '../http/route.js';
import { presentJob } from '../present/job.js';
import { idPath } from '../schemas/common.js';
import { duplicates } from '../schemas/duplicates.js';

export const getDuplicates = defineRoute({
  name: 'getDuplicates',
  method: 'get',
  address: '/duplicates/{id}',
  scope: 'search',
  summary: 'A list of near-duplicates, by the id of its job',
  path: idPath,
  answers: { 200: { description: 'The job, and the list once it is done.', schema: duplicates } },
  errors: ['JOB_NOT_FOUND'],
  handle: async ({ services, principal, path }) => {
    const job = await findJob(services.cliptrace, principal, path.id);
    if (job.request.type !== 'duplicates') {
      throw new CliptraceError(
        'JOB_NOT_FOUND',
        `Job ${path.id} lists no duplicates: POST /api/v1/duplicates makes one that does.`,
      );
    }
    const report = (await services.cliptrace.library.getJobResult(job.id)) as DuplicatesReport | null;
    return { status: 200, body: { job: presentJob(job, principal), report } };
  },
});
