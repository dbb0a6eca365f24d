import { setTimeout as sleep } from 'node:timers/promises';
import { errorCodeOf } from '../errors.js';
import { removeUnusedUpload } from '../ingest/remove-upload.js';
import { openLibrary } from '../library/sqlite-library.js';
import type { Job, JobCommand } from '../library/types.js';
import type { DataFolder } from '../types.js';

const LOOK_INTERVAL_MS = 100;
/** How long the process that runs the job is waited for. It looks every quarter of a second. */
const ANSWER_TIMEOUT_MS = 30_000;
/** When no answer has come after so long, the process may be gone. */
const CHECK_INTERVAL_MS = 1000;

/**
 * Pauses, resumes or cancels a job from a process that does not run it, and waits until that is done. A job that a killed
 * process left running is settled here. `wanted` is still set when the process that runs it has not answered.
 * LIBRARY_NOT_FOUND, JOB_NOT_FOUND, JOB_ALREADY_ENDED.
 */
export async function controlJob(dataFolder: DataFolder, id: number, command: JobCommand): Promise<Job> {
  const library = await openLibrary({ dataFolder, mode: 'control' });
  try {
    let job = await library.controlJob(id, command);
    for (
      let waitedMs = 0;
      job.wanted !== null && waitedMs < ANSWER_TIMEOUT_MS;
      waitedMs += LOOK_INTERVAL_MS
    ) {
      await sleep(LOOK_INTERVAL_MS);
      if (waitedMs % CHECK_INTERVAL_MS === 0) await settleAbandoned(dataFolder);
      job = (await library.getJob(id)) ?? job;
    }
    // It goes on, unless the process that runs it is gone.
    if (job.status === 'running' && job.wanted === null && !(await settleAbandoned(dataFolder))) {
      job = (await library.getJob(id)) ?? job;
    }
    await removeUnusedUpload(job, library);
    return job;
  } finally {
    await library.close();
  }
}

/** True when some process works on the data folder; when none does, jobs that still say "running" are settled. */
export async function settleAbandoned(dataFolder: DataFolder): Promise<boolean> {
  try {
    const library = await openLibrary({ dataFolder, mode: 'write' });
    try {
      await library.requeueInterrupted();
    } finally {
      await library.close();
    }
    return false;
  } catch (error) {
    if (errorCodeOf(error) === 'DATA_FOLDER_IN_USE') return true;
    throw error;
  }
}
