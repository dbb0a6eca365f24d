import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { CliptraceError } from '../index/errors.js';
import type { Cliptrace } from '../index/types.js';
import type { Resolver } from '../index/webhooks/checked-addresses.js';
import { createApp } from './app.js';
import type { ServerConfiguration } from './configuration.js';
import { isLoopback } from './http/security.js';
import { createServices } from './services.js';

export interface RunningServer {
  /** Where a browser on this machine finds it. */
  readonly url: string;
  readonly port: number;
  /** Takes no new request, ends event streams, waits for requests in hand (bounded), then resolves. Idempotent. */
  close(): Promise<void>;
}

interface ServerParts {
  cliptrace: Cliptrace;
  configuration: ServerConfiguration;
  logger: Logger;
  /** Of webhooks' host names; the system's unless told. */
  resolver?: Resolver | undefined;
}

/** Listens. PORT_IN_USE, CONFIGURATION_INVALID when the host or port cannot be listened on, or keys are asked for and none exists. The caller closes `cliptrace` after it. */
export async function startServer(parts: ServerParts): Promise<RunningServer> {
  const { cliptrace, configuration, logger } = parts;
  await requireKeys({ cliptrace, configuration });
  const shutdown = new AbortController();
  const services = createServices({ ...parts, shutdown: shutdown.signal });
  const app = createApp(services);
  const { uploadTimeoutMs } = configuration;
  const timeouts = {
    requestTimeout: uploadTimeoutMs,
    headersTimeout: Math.min(30_000, uploadTimeoutMs),
    // Longer than proxies keep theirs: a connection that is closed while a request is on its way fails it.
    keepAliveTimeout: 65_000,
    // How often Node looks for connections that are over their time.
    connectionsCheckingInterval: Math.min(5000, uploadTimeoutMs),
  };
  const server = createServer(timeouts, app);
  // Answered when the client is known and allowed to send (Node would invite it at once).
  server.on('checkContinue', app);
  await listen(server, configuration);
  const { port } = server.address() as AddressInfo;
  const url = `http://${hostForUrl(configuration.host)}:${port}`;
  warnOnce({ cliptrace, configuration, logger });
  services.watches.start();
  logger.info({ url }, 'listening');
  let closing: Promise<void> | undefined;
  return {
    url,
    port,
    close: () => {
      closing ??= Promise.all([
        services.watches.stop(),
        stop(server, shutdown, configuration.shutdownTimeoutMs, logger),
      ]).then(() => undefined);
      return closing;
    },
  };
}

/** A server that strangers may reach starts with keys, or when it is told that everyone may do everything. */
async function requireKeys({
  cliptrace,
  configuration,
}: Pick<ServerParts, 'cliptrace' | 'configuration'>): Promise<void> {
  if (!configuration.authentication) return;
  const keys = await cliptrace.library.listApiKeys();
  if (keys.some((key) => key.revokedAt === null)) return;
  throw new CliptraceError(
    'CONFIGURATION_INVALID',
    `The server asks for API keys on ${configuration.host}, but there is none. Make one with ` +
      '`cliptrace keys create --name NAME --scopes admin`, listen on 127.0.0.1, or set CLIPTRACE_AUTH=off (--auth off) ' +
      'to let everyone who reaches it do everything.',
  );
}

function listen(server: Server, { host, port }: ServerConfiguration): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(listenError(cause, host, port)));
    server.listen(port, host, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

function listenError(cause: NodeJS.ErrnoException, host: string, port: number): Error {
  const at = `${host}:${port}`;
  switch (cause.code) {
    case 'EADDRINUSE':
      return new CliptraceError(
        'PORT_IN_USE',
        `Port ${port} of ${host} is in use by another program. Choose another with --port or CLIPTRACE_PORT (0 = any free one).`,
        { cause },
      );
    case 'EACCES':
      return new CliptraceError(
        'CONFIGURATION_INVALID',
        `Not allowed to listen on ${at}. Choose a port above 1023.`,
        { cause },
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new CliptraceError(
        'CONFIGURATION_INVALID',
        `${host} is no address of this machine. Set --host or CLIPTRACE_HOST.`,
        { cause },
      );
    default:
      return cause;
  }
}

function warnOnce({ cliptrace, configuration, logger }: ServerParts): void {
  if (!configuration.authentication && !isLoopback(configuration.host)) {
    logger.warn(
      { host: configuration.host },
      'NO AUTHENTICATION: everyone who reaches this address can search, watch, add and delete videos. ' +
        'CLIPTRACE_AUTH=off asks for it.',
    );
  }
  if (cliptrace.ffmpeg.warning !== null)
    logger.warn({ ffmpeg: cliptrace.ffmpeg.version }, cliptrace.ffmpeg.warning);
}

async function stop(
  server: Server,
  shutdown: AbortController,
  timeoutMs: number,
  logger: Logger,
): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  shutdown.abort(new CliptraceError('CANCELLED', 'The server is shutting down.'));
  // A connection that was busy becomes idle with its answer, and must not linger.
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  const deadline = setTimeout(() => {
    logger.warn({ timeoutMs }, 'requests in hand were broken off');
    server.closeAllConnections();
  }, timeoutMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(deadline);
}

function hostForUrl(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
