import type pino from 'pino';
import { type OpenedCliptrace, openCliptrace } from '../cliptrace.js';
import { errorCodeOf, errorMessageOf } from '../errors.js';
import { FolderWatch } from '../watch/folder-watch.js';
import { type CommandContext, type CommonFlags, settingsOf } from './context.js';
import { EXIT_DONE } from './exit-codes.js';
import { createServerLog } from './server-log.js';

/** For what follows the requests in hand. */
const CLOSING_MS = 3500;

export interface ServeFlags extends CommonFlags {
  host?: string;
  port?: string;
  auth?: string;
  webhookAllow?: string;
}

interface WatchConfiguration {
  roots: readonly string[];
  collection: string;
  settleMs: number;
  rescanMs: number;
}

interface RunningServer {
  url: string;
  close(): Promise<void>;
}

/** `cliptrace serve` */
export async function serveCommand(flags: ServeFlags, context: CommandContext): Promise<number> {
  const configuration = await serverConfiguration(flags, context);
  const logger = createServerLog(configuration.logLevel, context.terminal);
  const cliptrace = await openCliptrace({
    settings: settingsOf(context, flags),
    env: context.env,
    mode: 'write',
    background: true,
    logger,
    onJobError: (error, jobId) => {
      const code = errorCodeOf(error);
      // A file that is no video is the sender's trouble; what has no code is ours.
      if (code === 'INTERNAL') logger.error({ err: error, jobId }, 'job failed');
      else logger.warn({ code, jobId, reason: errorMessageOf(error) }, 'job failed');
    },
  });
  cliptrace.opened.then(
    (opening) => logger.info(opening, 'vector index is ready'),
    (error: unknown) => logger.error({ err: error }, 'vector index could not be opened'),
  );
  return serveUntilStopped(cliptrace, flags, context, logger);
}

/**
 * For first of all: a misspelled variable or a wrong flag should not cost the loading of an index, or an indexing. CONFIGURATION_INVALID,
 * USAGE.
 */
export async function serverConfiguration(flags: ServeFlags, { env }: CommandContext) {
  return (await loadServer(flags, env)).configuration;
}

/** Serves what is open until SIGINT or SIGTERM, then closes it. A second signal ends the process at once. */
export async function serveUntilStopped(
  cliptrace: OpenedCliptrace,
  flags: ServeFlags,
  context: CommandContext,
  logger: pino.Logger,
): Promise<number> {
  const stopped = stopSignal();
  let server: RunningServer | null = null;
  let watch: FolderWatch | null = null;
  let waitMs = 0;
  try {
    const { startServer, configuration } = await loadServer(flags, context.env);
    waitMs = configuration.shutdownTimeoutMs;
    server = await startServer({ cliptrace, configuration, logger });
    await cliptrace.jobs.start();
    watch = followFolders(cliptrace, configuration.watch, logger);
    context.terminal.err(`Cliptrace is at ${server.url} (Ctrl-C stops it)`);
    await stopped;
  } finally {
    const deadline = exitAfter(waitMs + CLOSING_MS, logger);
    // Side by side: requests in hand end while the job in hand is put back and the snapshot is written.
    await Promise.all([
      server?.close(),
      watch?.stop(),
      cliptrace.jobs.stop().then(() => cliptrace.index.saveSnapshot().catch(() => undefined)),
    ]);
    await cliptrace.close();
    clearTimeout(deadline);
  }
  return EXIT_DONE;
}

/** The folders that the configuration names, if any; the server answers while they are looked through. */
function followFolders(
  cliptrace: OpenedCliptrace,
  { roots, collection, settleMs, rescanMs }: WatchConfiguration,
  logger: pino.Logger,
): FolderWatch | null {
  if (roots.length === 0) return null;
  const watch = new FolderWatch({
    roots,
    collection,
    settleMs,
    rescanMs,
    labelFrom: null,
    prune: true,
    library: cliptrace.library,
    jobs: cliptrace.jobs,
    modelId: cliptrace.encoder.manifest.id,
    exclude: cliptrace.closedFolders,
    onProblem: ({ code, message }) => logger.warn({ code, reason: message }, 'following folders'),
  });
  watch.start().then(
    () => logger.info({ roots }, 'following folders'),
    (error: unknown) => logger.error({ err: error }, 'folders cannot be followed'),
  );
  return watch;
}

/**
 * Whatever hangs, or takes long (an index that is being rebuilt, a snapshot on a slow disk), the process ends in time. Nothing
 * is lost by that: the library has everything, and the next start makes the rest again.
 */
function exitAfter(ms: number, logger: pino.Logger): NodeJS.Timeout {
  return setTimeout(() => {
    logger.warn({ ms }, 'not everything was closed in time; the next start makes up for it');
    process.exit(EXIT_DONE);
  }, ms).unref();
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const stop = () => {
      if (asked) process.exit(1);
      asked = true;
      resolve();
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
  });
}

/**
 * The one way from the command line to the server. By address and not by import, so that index/ can be built
 * and used without server/.
 */
async function loadServer(flags: ServeFlags, env: NodeJS.ProcessEnv) {
  const server = await import(new URL('../../server/server.js', import.meta.url).href);
  const { loadServerConfiguration } = await import(
    new URL('../../server/configuration.js', import.meta.url).href
  );
  const configuration = loadServerConfiguration(env, {
    host: flags.host,
    port: flags.port,
    auth: flags.auth,
    webhookAllow: flags.webhookAllow,
  });
  return {
    configuration: configuration as {
      logLevel: string;
      shutdownTimeoutMs: number;
      watch: WatchConfiguration;
    },
    startServer: server.startServer as (parts: object) => Promise<RunningServer>,
  };
}
