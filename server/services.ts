import type { Logger } from 'pino';
import type { Cliptrace } from '../index/types.js';
import { Authentication } from './access/authentication.js';
import { ClientLimits } from './access/client-limits.js';
import { Tickets } from './access/tickets.js';
import type { ServerConfiguration } from './configuration.js';
import { Gate } from './http/gate.js';
import { Metrics } from './metrics/metrics.js';

/** Everything that a route may need. */
export interface Services {
  readonly cliptrace: Cliptrace;
  readonly configuration: ServerConfiguration;
  readonly logger: Logger;
  /** Aborted when the server closes: long answers end. */
  readonly shutdown: AbortSignal;
  readonly authentication: Authentication;
  readonly tickets: Tickets;
  readonly clientLimits: ClientLimits;
  readonly metrics: Metrics;
  readonly uploads: Gate;
  readonly decodes: Gate;
  readonly thumbnails: Gate;
  readonly eventStreams: Gate;
}

export interface ServiceParts {
  cliptrace: Cliptrace;
  configuration: ServerConfiguration;
  logger: Logger;
  shutdown?: AbortSignal | undefined;
}

export function createServices({ cliptrace, configuration, logger, shutdown }: ServiceParts): Services {
  const tickets = new Tickets();
  const ends = shutdown ?? new AbortController().signal;
  const gates = {
    uploads: new Gate('uploads are being received', configuration.maxConcurrentUploads),
    decodes: new Gate('searches are being decoded', configuration.maxConcurrentDecodes),
    // A page asks for dozens of pictures at once: they wait their turn.
    thumbnails: new Gate('thumbnails are being made', configuration.maxConcurrentDecodes, 500),
    eventStreams: new Gate('event streams are open', configuration.maxEventStreams),
  };
  const metrics = new Metrics(cliptrace, gates);
  const stopCounting = cliptrace.jobs.subscribeAll((event) => metrics.job(event));
  ends.addEventListener('abort', stopCounting, { once: true });
  return {
    cliptrace,
    configuration,
    logger,
    shutdown: ends,
    tickets,
    authentication: new Authentication({
      isRequired: configuration.authentication,
      keys: cliptrace.library,
      tickets,
    }),
    clientLimits: new ClientLimits({
      ratePerMinute: configuration.rateLimitPerMinute,
      maxConcurrent: configuration.maxConcurrentPerClient,
    }),
    metrics,
    ...gates,
  };
}
