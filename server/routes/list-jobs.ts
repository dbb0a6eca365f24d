import { defineRoute } from '../http/route.js';
import { presentJob } from '../present/job.js';
import { jobList, listJobsQuery } from '../schemas/jobs.js';

export const listJobs = defineRoute({
  name: 'listJobs',
  method: 'get',
  address: '/jobs',
  scope: 'ingest',
  summary: 'List the jobs',
  query: listJobsQuery,
  answers: { 200: { description: 'The latest jobs, newest first.', schema: jobList } },
  errors: [],
  handle: async ({ services, principal, query }) => {
    const { library, jobs } = services.cliptrace;
    const listed = await library.listJobs(query.limit, principal.collections ?? undefined);
    // The queue knows a job in hand better than the library.
    const current = await Promise.all(
      listed.map((job) => (job.status === 'running' ? jobs.get(job.id) : job)),
    );
    return { status: 200, body: { jobs: current.map((job) => presentJob(job, principal)) } };
  },
});
