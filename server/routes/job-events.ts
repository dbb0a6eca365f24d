import type { JobEvent } from '../../index/ingest/types.js';
import type { Job } from '../../index/library/types.js';
import { EventStream } from '../http/event-stream.js';
import { findJob } from '../http/found.js';
import { defineRoute } from '../http/route.js';
import { presentJob, presentJobFile } from '../present/job.js';
import { idPath } from '../schemas/common.js';
import type { Services } from '../services.js';

export const getJobEvents = defineRoute({
  name: 'getJobEvents',
  method: 'get',
  address: '/jobs/{id}/events',
  summary: 'Follow a job (server-sent events)',
  description:
    'Sends the current state at once, then `progress` and `file` events as they happen, and ends after `end`. ' +
    'The data line of an event is JSON: JobProgressEvent, JobFileEvent or JobEndEvent. Comments keep the connection open.',
  path: idPath,
  answers: {
    200: { description: 'The events.', schema: null, contentType: 'text/event-stream' },
  },
  errors: ['JOB_NOT_FOUND', 'TOO_MANY_REQUESTS'],
  handle: async ({ services, path, request, response, signal }) => {
    const job = await findJob(services.cliptrace, path.id);
    if (request.method === 'HEAD')
      return { status: 200, headers: { 'Content-Type': 'text/event-stream; charset=utf-8' } };
    await services.eventStreams.run(signal, async () => {
      const stream = new EventStream(response, services.configuration.eventHeartbeatMs);
      try {
        await follow(services, job.id, stream, signal);
      } finally {
        stream.close();
      }
    });
    return undefined;
  },
});

/** Resolves when the job has ended, the client is gone or the server closes. */
async function follow(
  services: Services,
  jobId: number,
  stream: EventStream,
  signal: AbortSignal,
): Promise<void> {
  const { jobs, library } = services.cliptrace;
  const finished = new AbortController();
  const early: JobEvent[] = [];
  let deliver = (event: JobEvent) => {
    early.push(event);
  };
  // Subscribed before the state is read: an event in between must not be lost.
  const unsubscribe = jobs.subscribe(jobId, (event) => deliver(event));
  try {
    await new Promise<void>((resolve, reject) => {
      for (const end of [signal, services.shutdown]) {
        if (end.aborted) return resolve();
        end.addEventListener('abort', () => resolve(), { once: true, signal: finished.signal });
      }
      library.getJob(jobId).then((job) => {
        if (job === null) return resolve();
        stream.send('progress', { job: presentJob(job) });
        deliver = (event) => {
          if (!sendEvent(stream, event)) return;
          // What is told after the end is not sent.
          deliver = () => undefined;
          resolve();
        };
        if (hasEnded(job)) early.push({ type: 'end', job });
        for (const event of early) deliver(event);
      }, reject);
    });
  } finally {
    finished.abort();
    unsubscribe();
  }
}

/** True when it was the last event. */
function sendEvent(stream: EventStream, event: JobEvent): boolean {
  const job = presentJob(event.job);
  if (event.type === 'file') stream.send('file', { job, file: presentJobFile(event.job, event.file) });
  else if (event.type === 'end') stream.send('end', { job });
  else if (stream.isFlowing) stream.send('progress', { job });
  return event.type === 'end';
}

function hasEnded(job: Job): boolean {
  return job.status !== 'queued' && job.status !== 'running';
}
