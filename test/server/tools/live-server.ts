import { mkdirSync, realpathSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import type { OpenedCliptrace } from '../../../index/cliptrace.js';
import type { Resolver } from '../../../index/webhooks/checked-addresses.js';
import { loadServerConfiguration, type ServerConfiguration } from '../../../server/configuration.js';
import { type RunningServer, startServer } from '../../../server/server.js';
import { createWorkspace, SAMPLES_FOLDER } from '../../helpers/workspace.js';

/** Short ones, so that a library is indexed in about a second. */
export const LIBRARY_VIDEOS = [
  'people-detection',
  'person-bicycle-car-detection',
  'head-pose-face-detection-male',
];

export function samplePath(name: string): string {
  return join(SAMPLES_FOLDER, `${name}.mp4`);
}

export interface LiveServer {
  url: string;
  api: string;
  cliptrace: OpenedCliptrace;
  server: RunningServer;
  /** What the server logged, one object a line. */
  log: Record<string, unknown>[];
  /** The archive root: holds the library's files. */
  archive: string;
  /** A folder that is no archive root. */
  outside: string;
  temporaryFiles(): Promise<string[]>;
  close(): Promise<void>;
}

interface LiveServerOptions {
  configuration?: Partial<ServerConfiguration>;
  /** Names of samples to index before the server starts. */
  videos?: readonly string[];
  /** Done before the server starts, e.g. making API keys. */
  prepare?: (cliptrace: OpenedCliptrace) => Promise<void>;
  /** Of webhooks' host names. */
  resolver?: Resolver;
}

/** The product as it runs: a data folder, ffmpeg, the encoder, SQLite and the index, behind a listening server. */
export async function startLiveServer(options: LiveServerOptions = {}): Promise<LiveServer> {
  const workspace = createWorkspace();
  const outside = join(workspace.root, 'outside');
  for (const folder of [workspace.archive, outside]) mkdirSync(folder);
  const videos = options.videos ?? LIBRARY_VIDEOS;
  for (const name of videos) await workspace.addSample(`${name}.mp4`);
  const log: Record<string, unknown>[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => void log.push(JSON.parse(line)) });
  const cliptrace = await workspace.open();
  await cliptrace.jobs.start();
  if (videos.length > 0) await indexArchive(cliptrace, workspace.archive);
  await options.prepare?.(cliptrace);
  const configuration: ServerConfiguration = {
    ...loadServerConfiguration({}, { port: 0 }),
    // Resolved, as the configuration does it: the temporary folder is a symlink on some systems.
    archiveRoots: [realpathSync(workspace.archive)],
    ...options.configuration,
  };
  const server = await startServer({ cliptrace, configuration, logger, resolver: options.resolver });
  return {
    url: server.url,
    api: `${server.url}/api/v1`,
    cliptrace,
    server,
    log,
    archive: realpathSync(workspace.archive),
    outside,
    temporaryFiles: () => readdir(cliptrace.dataFolder.temporaryFolder),
    close: async () => {
      await server.close();
      await cliptrace.close();
      workspace.remove();
    },
  };
}

async function indexArchive(cliptrace: OpenedCliptrace, archive: string): Promise<void> {
  const { id } = await cliptrace.jobs.submit({
    type: 'index',
    paths: [archive],
    collection: 'default',
    labelFrom: null,
    prune: false,
  });
  const job = await cliptrace.jobs.wait(id);
  if (job.status !== 'done' || job.progress.filesFailed > 0) {
    throw new Error(`The test library could not be indexed: ${JSON.stringify(job)}`);
  }
}
