import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type OpenedCliptrace, openCliptrace } from '../cliptrace.js';
import { CliptraceError } from '../errors.js';
import type { Video } from '../library/types.js';
import { cutClip } from '../media/clip-cutter.js';
import { defaultMediaLimits } from '../media/limits.js';
import { dot } from '../vectors/dot.js';
import { type CommandContext, settingsOf } from './context.js';
import { EXIT_DONE, EXIT_FAILED } from './exit-codes.js';
import { indexRequest, printFailures, runIndexing } from './index-command.js';
import { formatRange, formatTime, plural } from './output.js';
import { printAnswer } from './search-command.js';
import { type ServeFlags, serverConfiguration, serveUntilStopped } from './serve-command.js';
import { createServerLog } from './server-log.js';

export interface DemoFlags extends ServeFlags {
  library?: string;
  /** `--no-serve` */
  serve: boolean;
}

const LONGEST_VIDEOS = 5;
const QUERY_SECONDS = 6;
const CROP_FRACTION = 0.8;
const QUERY_LINES = 180;
const QUERY_FRAMES_PER_SECOND = 20;

/** `npm run demo`: index a library, search it with an edited part of one of its videos, serve it. */
export async function demoCommand(flags: DemoFlags, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const library = path.resolve(flags.library ?? samplesFolder());
  if (flags.serve) await serverConfiguration(flags, context);
  const settings = settingsOf(context, flags);
  const dataRoot = flags.data
    ? settings.dataRoot
    : path.join(settings.dataRoot, demoFolderName(flags.library));
  const cliptrace = await openCliptrace({
    settings: { ...settings, dataRoot },
    env: context.env,
    mode: 'write',
  });
  let found = false;
  try {
    terminal.out(`Indexing ${library} into ${dataRoot}`);
    const request = indexRequest([library], { collection: 'demo', prune: true });
    const { job, files, elapsedSeconds } = await runIndexing(cliptrace, request, terminal);
    terminal.out(`${plural(job.progress.filesTotal ?? 0, 'file')} in ${elapsedSeconds.toFixed(1)} s`);
    printFailures(terminal, files);
    found = await searchForPart(cliptrace, context);
  } catch (error) {
    await cliptrace.close();
    throw error;
  }
  if (flags.serve) return serveUntilStopped(cliptrace, flags, context, createServerLog('warn', terminal));
  await cliptrace.close();
  return found ? EXIT_DONE : EXIT_FAILED;
}

/** True when the video that the query was cut from comes first. */
async function searchForPart(cliptrace: OpenedCliptrace, { terminal }: CommandContext): Promise<boolean> {
  const video = await chooseVideo(cliptrace);
  const durationSeconds = Math.min(QUERY_SECONDS, video.durationSeconds * 0.6);
  const startSeconds = Math.round((video.durationSeconds - durationSeconds) * 0.4 * 10) / 10;
  const folder = await mkdtemp(path.join(tmpdir(), 'cliptrace-demo-'));
  try {
    const clip = path.join(folder, 'query.avi');
    await cutClip({
      ffmpeg: cliptrace.ffmpeg,
      filePath: await cliptrace.mediaPath(video.id),
      startSeconds,
      durationSeconds,
      cropFraction: CROP_FRACTION,
      scaleHeight: QUERY_LINES,
      framesPerSecond: QUERY_FRAMES_PER_SECOND,
      codec: 'mpeg4',
      outPath: clip,
      limits: defaultMediaLimits,
    });
    terminal.out(
      `\nThe query: ${formatRange(startSeconds, startSeconds + durationSeconds)} of "${video.title}", cropped to ${CROP_FRACTION * 100} %, ` +
        `scaled to ${QUERY_LINES} lines, ${QUERY_FRAMES_PER_SECOND} frames a second, re-encoded as MPEG-4\n`,
    );
    const answer = await cliptrace.searcher.search({ query: { kind: 'file', filePath: clip }, k: 10 });
    printAnswer(terminal, answer);
    const [first] = answer.hits;
    const right = first?.video.id === video.id;
    terminal.out(
      right
        ? `\nFound: "${video.title}" comes first, from ${formatTime(first.startSeconds)} (in truth from ${formatTime(startSeconds)})`
        : `\nNot found: "${video.title}" should have come first`,
    );
    return right;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Of the longest videos, in which a time can be wrong the most, the one whose picture changes the most: in a scene
 * where nothing moves, nobody could tell the time.
 */
async function chooseVideo({ library, encoder }: OpenedCliptrace): Promise<Video> {
  const videos: Video[] = [];
  let cursor: string | undefined;
  do {
    const page = await library.listVideos({ collection: 'demo', limit: 500, cursor });
    videos.push(...page.videos);
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  const longest = videos.sort((a, b) => b.durationSeconds - a.durationSeconds).slice(0, LONGEST_VIDEOS);
  let best: { video: Video; change: number } | null = null;
  for (const video of longest) {
    const { vectors } = await library.embeddingsOf(video.id, encoder.manifest.id);
    const change = meanChange(vectors, encoder.manifest.dimension);
    if (!best || change > best.change) best = { video, change };
  }
  if (!best) throw new CliptraceError('NOT_A_VIDEO', 'The library folder holds no video that can be indexed');
  return best.video;
}

/** Mean cosine distance of neighbouring rows. */
function meanChange(vectors: Float32Array, dimension: number): number {
  const rows = vectors.length / dimension;
  let sum = 0;
  for (let row = 1; row < rows; row += 1) {
    sum += 1 - dot(vectors, row - 1, vectors, row, dimension);
  }
  return rows > 1 ? sum / (rows - 1) : 0;
}

/** The sample library of the package, from the sources and from dist/. */
function samplesFolder(): string {
  const here = path.dirname(fileURLToPath(import.meta.url));
  const candidates = ['../samples', '../../../index/samples'].map((relative) => path.resolve(here, relative));
  const folder = candidates.find((candidate) => existsSync(candidate));
  if (!folder)
    throw new CliptraceError('FILE_NOT_FOUND', `The sample library is missing: ${candidates.join(', ')}`);
  return folder;
}

/** Each library has a data folder of its own, so that a demo never mixes with another one or with real data. */
function demoFolderName(library: string | undefined): string {
  if (library === undefined) return 'demo';
  return `demo-${createHash('sha256').update(path.resolve(library)).digest('hex').slice(0, 8)}`;
}
