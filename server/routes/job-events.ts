import { hasEnded } from '../../index/library/job-status.js';
import { EventStream } from '../http/event-stream.js';
import { findJob } from '../http/found.js';
import { feedJobEvents } from '../http/job-feed.js';
import { lastEventIdOf } from '../http/last-event-id.js';
import { defineRoute } from '../http/route.js';
import { idPath } from '../schemas/common.js';
import { jobEventsQuery } from '../schemas/jobs.js';

export const getJobEvents = defineRoute({
  name: 'getJobEvents',
  method: 'get',
  address: '/jobs/{id}/events',
  scope: 'ingest',
  summary: 'Follow a job (server-sent events)',
  description:
    'Sends the current state at once, then `progress` and `file` events as they happen, and ends after `end`. ' +
    'The data line of an event is JSON: JobProgressEvent, JobFileEvent or JobEndEvent. Events are numbered in ascending ' +
    'order; with the header Last-Event-ID (or `lastEventId`) every file since that event is told first. Comments keep the ' +
    'connection open.',
  path: idPath,
  query: jobEventsQuery,
  answers: {
    200: { description: 'The events.', schema: null, contentType: 'text/event-stream' },
    204: {
      description: 'The job has ended, and the client has its last event: no need to ask again.',
      schema: null,
    },
  },
  errors: ['JOB_NOT_FOUND', 'TOO_MANY_REQUESTS'],
  handle: async ({ services, principal, path, query, request, response, signal }) => {
    const job = await findJob(services.cliptrace, principal, path.id);
    const after = lastEventIdOf(request, query.lastEventId);
    // 204 is how a browser is told not to connect again.
    if (hasEnded(job) && after === job.lastEvent) return { status: 204 };
    if (request.method === 'HEAD')
      return { status: 200, headers: { 'Content-Type': 'text/event-stream; charset=utf-8' } };
    await services.eventStreams.run(signal, async () => {
      const stream = new EventStream(response, services.configuration.eventHeartbeatMs);
      const ends = AbortSignal.any([signal, services.shutdown]);
      try {
        await feedJobEvents(services.cliptrace, {
          jobId: job.id,
          after,
          stream,
          signal: ends,
          principal,
        });
      } finally {
        stream.close();
      }
    });
    return undefined;
  },
});
