import type { JobEvent } from '../../index/ingest/types.js';
import { hasEnded } from '../../index/library/job-status.js';
import type { Job } from '../../index/library/types.js';
import type { Cliptrace } from '../../index/types.js';
import type { Principal } from '../access/principal.js';
import { presentJob, presentJobFile } from '../present/job.js';
import type { EventStream } from './event-stream.js';

const FILES_PER_PAGE = 500;

/**
 * Sends the events of a job until it has ended or the signal fires. A client that had event `after` is told every file
 * since, then the state now: states in between are superseded. Null: the state now, and what comes.
 */
export async function feedJobEvents(
  { jobs, library }: Pick<Cliptrace, 'jobs' | 'library'>,
  request: {
    jobId: number;
    after: number | null;
    stream: EventStream;
    signal: AbortSignal;
    principal: Principal;
  },
): Promise<void> {
  const { jobId, stream, signal, principal } = request;
  const live: JobEvent[] = [];
  let wake = () => undefined as undefined;
  let isDraining = false;
  // Subscribed before the state is read: an event in between must not be lost.
  const unsubscribe = jobs.subscribe(jobId, (event) => {
    live.push(event);
    wake();
  });
  try {
    const job = await jobs.get(jobId);
    // A number that this job has not reached comes from a library that was replaced.
    const after = request.after !== null && request.after <= job.lastEvent ? request.after : null;
    const told = after === null ? null : await replayFiles(job, after);
    sendState(stream, job, principal, told);
    if (hasEnded(job)) return;
    let seen = job.lastEvent;
    // A client that lags behind is told the last of the states in between, when it has caught up.
    let leftOut: JobEvent | null = null;
    while (!signal.aborted && stream.isOpen) {
      const event: JobEvent | null = live.shift() ?? (stream.isFlowing ? leftOut : null);
      if (event === null) {
        if (leftOut !== null) wakeWhenDrained();
        await somethingNew();
      } else if (event === leftOut || event.job.lastEvent > seen) {
        seen = event.job.lastEvent;
        leftOut = event.type === 'progress' && !stream.isFlowing ? event : null;
        if (leftOut === null) sendEvent(stream, event, principal);
        if (event.type === 'end') return;
      }
    }
  } finally {
    unsubscribe();
  }

  /** The number of the last one. */
  async function replayFiles(job: Job, after: number): Promise<number> {
    for (let told = after; ; ) {
      const files = await library.jobFilesAfter(jobId, told, FILES_PER_PAGE);
      for (const file of files) {
        // Newer ones come live.
        if (file.eventNumber > job.lastEvent || signal.aborted) return told;
        stream.send('file', file.eventNumber, {
          job: presentJob(job, principal),
          file: presentJobFile(job, file, principal),
        });
        told = file.eventNumber;
      }
      if (files.length < FILES_PER_PAGE) return told;
      await stream.drained();
    }
  }

  function wakeWhenDrained(): void {
    if (isDraining) return;
    isDraining = true;
    void stream.drained().then(() => {
      isDraining = false;
      wake();
    });
  }

  function somethingNew(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done);
        resolve();
        return undefined;
      };
      wake = done;
      signal.addEventListener('abort', done);
      if (live.length > 0 || signal.aborted) done();
    });
  }
}

/** @param told number of the last event that the client has: no number comes twice */
function sendState(stream: EventStream, job: Job, principal: Principal, told: number | null): void {
  const data = { job: presentJob(job, principal) };
  const send = (event: 'progress' | 'end', id: number) => {
    if (told === null || id > told) stream.send(event, id, data);
  };
  // The end has a number of its own, after that of the last state.
  send('progress', hasEnded(job) ? job.lastEvent - 1 : job.lastEvent);
  if (hasEnded(job)) send('end', job.lastEvent);
}

function sendEvent(stream: EventStream, event: JobEvent, principal: Principal): void {
  const job = presentJob(event.job, principal);
  const { lastEvent } = event.job;
  if (event.type === 'file')
    stream.send('file', lastEvent, {
      job,
      file: presentJobFile(event.job, event.file, principal),
    });
  else if (event.type === 'end') stream.send('end', lastEvent, { job });
  else stream.send('progress', lastEvent, { job });
}
