import { basename } from 'node:path';
import { countFailures } from '../../index/ingest/failure-counts.js';
import type { Job, JobFile } from '../../index/library/types.js';
import type { JobFileJson, JobJson, JobWithFilesJson } from '../schemas/jobs.js';

const MAX_FAILURES = 1000;

export function presentJob(job: Job): JobJson {
  const { request } = job;
  const { currentFile, filesInHand } = job.progress;
  const named = namesFor(job);
  return {
    id: job.id,
    type: request.type,
    status: job.status,
    collection: request.collection,
    title: request.type === 'upload' ? request.title : null,
    paths: request.type === 'index' ? [...request.paths] : null,
    progress: {
      ...job.progress,
      currentFile: currentFile === null ? null : named(currentFile),
      filesInHand: filesInHand.map((file) => ({ ...file, path: named(file.path) })),
    },
    error: job.error === null ? null : { code: job.error.code, message: named(job.error.message) },
    createdAt: job.createdAt,
    startedAt: job.startedAt,
    endedAt: job.endedAt,
  };
}

export function presentJobFile(job: Job, file: JobFile): JobFileJson {
  const named = namesFor(job);
  return {
    path: named(file.path),
    outcome: file.outcome,
    videoId: file.videoId,
    code: file.code,
    message: file.message === null ? null : named(file.message),
  };
}

export function presentJobWithFiles(job: Job, files: readonly JobFile[]): JobWithFilesJson {
  const outcomes: JobWithFilesJson['outcomes'] = emptyOutcomes();
  for (const file of files) outcomes[file.outcome] += 1;
  const failures = files.filter((file) => file.outcome === 'failed').slice(0, MAX_FAILURES);
  return {
    ...presentJob(job),
    videoId:
      job.request.type === 'upload' ? (files.find((file) => file.videoId !== null)?.videoId ?? null) : null,
    outcomes,
    failuresByCode: countFailures(files),
    failures: failures.map((file) => presentJobFile(job, file)),
  };
}

function emptyOutcomes(): JobWithFilesJson['outcomes'] {
  return {
    indexed: 0,
    updated: 0,
    unchanged: 0,
    moved: 0,
    duplicate: 0,
    failed: 0,
    skipped: 0,
    missing: 0,
    pruned: 0,
  };
}

/** An uploaded file lies in the data folder under a name of ours: people know it by its title. */
function namesFor(job: Job): (text: string) => string {
  const { request } = job;
  if (request.type !== 'upload') return (text) => text;
  const { path, title } = request;
  return (text) => text.replaceAll(path, title).replaceAll(basename(path), title);
}
