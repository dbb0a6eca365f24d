import { defineRoute } from '../http/route.js';
import { presentJob } from '../present/job.js';
import { jobList, listJobsQuery } from '../schemas/jobs.js';

export const listJobs = defineRoute({
  name: 'listJobs',
  method: 'get',
  address: '/jobs',
  summary: 'List the jobs',
  query: listJobsQuery,
  answers: { 200: { description: 'The latest jobs, newest first.', schema: jobList } },
  errors: [],
  handle: async ({ services, query }) => {
    const jobs = await services.cliptrace.library.listJobs(query.limit);
    return { status: 200, body: { jobs: jobs.map(presentJob) } };
  },
});
