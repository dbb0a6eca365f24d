import { API_PREFIX } from '../address.js';
import { pathInArchive } from '../archive-roots.js';
import { requireOwnCollection } from '../http/found.js';
import { defineRoute } from '../http/route.js';
import { presentJob } from '../present/job.js';
import { createJobBody, job } from '../schemas/jobs.js';

export const createJob = defineRoute({
  name: 'createJob',
  method: 'post',
  address: '/jobs',
  scope: 'ingest',
  summary: "Index a file or folder of the server's archive",
  description: 'Only below the folders of CLIPTRACE_ARCHIVE_ROOTS; symlinks count as where they lead.',
  json: createJobBody,
  answers: {
    202: { description: 'The queued job.', schema: job, headers: { Location: 'Address of the job.' } },
  },
  errors: ['PATH_OUTSIDE_ARCHIVE', 'FILE_NOT_FOUND'],
  handle: async ({ services, principal, json }) => {
    const { path, collection, labelFrom, retryFailed, meta } = json as NonNullable<typeof json>;
    requireOwnCollection(principal, collection);
    const created = await services.cliptrace.jobs.submit({
      type: 'index',
      paths: [await pathInArchive(path, services.configuration.archiveRoots)],
      collection,
      labelFrom: labelFrom ?? null,
      prune: false,
      ...(meta === undefined ? {} : { metadata: textsOf(meta) }),
      ...(retryFailed ? { retryFailed } : {}),
    });
    return {
      status: 202,
      headers: { Location: `${API_PREFIX}/jobs/${created.id}` },
      body: presentJob(created, principal),
    };
  },
});

function textsOf(meta: Readonly<Record<string, string | number | boolean>>): Record<string, string> {
  return Object.fromEntries(Object.entries(meta).map(([key, value]) => [key, String(value)]));
}
