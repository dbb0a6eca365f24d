import type { Logger } from 'pino';
import { WatchService } from '../index/clip-watch/watch-service.js';
import { errorCodeOf, errorMessageOf } from '../index/errors.js';
import type { Cliptrace } from '../index/types.js';
import { AddressRules } from '../index/webhooks/address-rules.js';
import { type Resolver, systemResolver } from '../index/webhooks/checked-addresses.js';
import { WebhookDeliverer } from '../index/webhooks/deliverer.js';
import { Authentication } from './access/authentication.js';
import { ClientLimits } from './access/client-limits.js';
import { Tickets } from './access/tickets.js';
import type { ServerConfiguration } from './configuration.js';
import { Gate } from './http/gate.js';
import { Metrics } from './metrics/metrics.js';
import { VERSION } from './version.js';

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
  readonly watches: WatchService;
  /** What a webhook's address is judged by. */
  readonly webhookTargets: { rules: AddressRules; resolver: Resolver; timeoutMs: number };
}

export interface ServiceParts {
  cliptrace: Cliptrace;
  configuration: ServerConfiguration;
  logger: Logger;
  shutdown?: AbortSignal | undefined;
  /** Of webhooks' host names; the system's unless told. */
  resolver?: Resolver | undefined;
}

export function createServices(parts: ServiceParts): Services {
  const { cliptrace, configuration, logger, shutdown } = parts;
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
  const webhookTargets = {
    rules: new AddressRules(configuration.webhooks.allow),
    resolver: parts.resolver ?? systemResolver,
    timeoutMs: configuration.webhooks.timeoutMs,
  };
  return {
    cliptrace,
    webhookTargets,
    watches: watchServiceOf(parts, webhookTargets, metrics),
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

function watchServiceOf(
  { cliptrace, configuration, logger }: ServiceParts,
  targets: Services['webhookTargets'],
  metrics: Metrics,
): WatchService {
  const { library, encoder, jobs, watchEmbedder } = cliptrace;
  const deliverer = new WebhookDeliverer({
    ...targets,
    store: library.watches,
    concurrency: configuration.webhooks.maxConcurrent,
    userAgent: `Cliptrace/${VERSION}`,
    random: Math.random,
    onAttempt: ({ id, watchId }, { attempt, outcome }) => {
      metrics.webhookAttempt(outcome.status);
      // The address may hold a secret: the log names the watch alone.
      const { responseStatus, error, durationMs } = attempt;
      const what = { watchId, deliveryId: id, responseStatus, code: error?.code ?? null, durationMs };
      if (outcome.status === 'succeeded') logger.debug(what, 'webhook delivered');
      else logger.warn(what, outcome.status === 'failed' ? 'webhook given up' : 'webhook is tried again');
    },
    onError: (error) =>
      logger.error({ code: errorCodeOf(error), reason: errorMessageOf(error) }, 'webhooks wait'),
  });
  return new WatchService({
    ...{ library, jobs, deliverer, logger },
    embedder: watchEmbedder,
    manifest: encoder.manifest,
  });
}
