import { basename } from 'node:path';
import { ERRORS, type ErrorCode } from '../../index/errors.js';
import { countFailures } from '../../index/ingest/failure-counts.js';
import type { Job, JobFile } from '../../index/library/types.js';
import { may, type Principal } from '../access/principal.js';
import type { JobFileJson, JobJson, JobWithFilesJson } from '../schemas/jobs.js';

const MAX_FAILURES = 1000;
/** A watch asks for thousands of paths at once, and each event carries its job. */
const MAX_PATHS = 20;

export function presentJob(job: Job, principal: Principal): JobJson {
  const { request } = job;
  const { currentFile, filesInHand } = job.progress;
  const named = namesFor(job, principal);
  return {
    id: job.id,
    type: request.type,
    status: job.status,
    collection: request.collection,
    title: request.type === 'upload' ? request.title : null,
    paths: pathsOf(job, principal)?.slice(0, MAX_PATHS) ?? null,
    pathCount: pathsOf(job, principal)?.length ?? null,
    progress: {
      ...job.progress,
      currentFile: currentFile === null ? null : named.path(currentFile),
      filesInHand: filesInHand.map(({ path, doneSeconds, durationSeconds }) => ({
        path: named.path(path),
        doneSeconds,
        durationSeconds,
      })),
    },
    error:
      job.error === null
        ? null
        : { code: job.error.code, message: named.message(job.error.code, job.error.message) },
    createdAt: job.createdAt,
    startedAt: job.startedAt,
    endedAt: job.endedAt,
  };
}

export function presentJobFile(job: Job, file: JobFile, principal: Principal): JobFileJson {
  const named = namesFor(job, principal);
  return {
    path: named.path(file.path),
    outcome: file.outcome,
    videoId: file.videoId,
    code: file.code,
    message: file.message === null ? null : named.message(file.code, file.message),
  };
}

export function presentJobWithFiles(
  job: Job,
  files: readonly JobFile[],
  principal: Principal,
): JobWithFilesJson {
  const outcomes: JobWithFilesJson['outcomes'] = emptyOutcomes();
  for (const file of files) outcomes[file.outcome] += 1;
  const failures = files.filter((file) => file.outcome === 'failed').slice(0, MAX_FAILURES);
  return {
    ...presentJob(job, principal),
    paths: pathsOf(job, principal)?.slice() ?? null,
    videoId:
      job.request.type === 'upload' ? (files.find((file) => file.videoId !== null)?.videoId ?? null) : null,
    outcomes,
    failuresByCode: countFailures(files),
    failures: failures.map((file) => presentJobFile(job, file, principal)),
  };
}

function pathsOf({ request }: Job, principal: Principal): readonly string[] | null {
  return request.type === 'index' && may(principal, 'admin') ? request.paths : null;
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

interface Names {
  path(path: string): string;
  message(code: string | null, message: string): string;
}

/**
 * An uploaded file lies in the data folder under a name of ours: people know it by its title. Where files of the archive
 * lie is for administrators only; what went wrong with one is told to others by its kind, because messages name paths.
 */
function namesFor(job: Job, principal: Principal): Names {
  const { request } = job;
  if (request.type === 'upload') {
    const { path, title } = request;
    const named = (text: string) => text.replaceAll(path, title).replaceAll(basename(path), title);
    return { path: named, message: (_code, message) => named(message) };
  }
  if (may(principal, 'admin')) return { path: (path) => path, message: (_code, message) => message };
  return {
    path: (path) => basename(path),
    message: (code) => ERRORS[(code ?? 'INTERNAL') as ErrorCode]?.title ?? ERRORS.INTERNAL.title,
  };
}
