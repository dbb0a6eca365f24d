import { CliptraceError, errorCodeOf } from '../../errors.js';
import type { TaskRunner } from '../../ingest/types.js';
import { allVideos } from '../../library/all-videos.js';
import { NO_PROGRESS } from '../../library/jobs.js';
import type { Library, Video } from '../../library/types.js';
import type { Searcher, SearchHit } from '../types.js';
import { groupPairs } from './group-pairs.js';
import type { DuplicatePair, DuplicatesReport } from './types.js';

/** Videos that a video is compared with; copies beyond are found through one another. */
const NEIGHBOURS = 20;

/** A job that searches the library with each of its videos, and groups those that share footage. */
export function createDuplicatesTask(parts: { library: Library; searcher: Searcher }): TaskRunner {
  return async (job, { signal, onProgress }) => {
    if (job.request.type !== 'duplicates')
      throw new CliptraceError('INTERNAL', 'This job lists no duplicates');
    const { collection, minScore } = job.request;
    const videos = await allVideos(parts.library, collection);
    const pairs = new Map<string, DuplicatePair>();
    for (const [i, video] of videos.entries()) {
      if (signal.aborted) throw new CliptraceError('CANCELLED', 'The job was cancelled');
      for (const hit of await hitsOf(parts.searcher, video, { collection, minScore, signal })) {
        const key = [video.id, hit.video.id].sort((a, b) => a - b).join('-');
        const known = pairs.get(key);
        if (!known || hit.score > known.score) pairs.set(key, pairOf(video, hit));
      }
      onProgress({ ...NO_PROGRESS, queriesDone: i + 1, queriesTotal: videos.length });
    }
    await parts.library.putJobResult(job.id, reportOf(videos, [...pairs.values()], minScore));
    return { ...NO_PROGRESS, queriesDone: videos.length, queriesTotal: videos.length };
  };
}

async function hitsOf(
  searcher: Searcher,
  video: Video,
  options: { collection: string | null; minScore: number; signal: AbortSignal },
): Promise<SearchHit[]> {
  try {
    const { hits } = await searcher.search({
      query: { kind: 'video', videoId: video.id },
      k: NEIGHBOURS,
      excludeSelf: true,
      minScore: options.minScore,
      collection: options.collection ?? undefined,
      signal: options.signal,
    });
    return hits;
  } catch (error) {
    // Removed meanwhile, or not embedded by this model: nothing to compare.
    if (['VIDEO_NOT_FOUND', 'MODEL_CHANGED'].includes(errorCodeOf(error))) return [];
    throw error;
  }
}

function pairOf(video: Video, hit: SearchHit): DuplicatePair {
  return {
    videoId: video.id,
    otherVideoId: hit.video.id,
    score: hit.score,
    startSeconds: hit.queryStartSeconds,
    endSeconds: hit.queryEndSeconds,
    otherStartSeconds: hit.startSeconds,
    otherEndSeconds: hit.endSeconds,
    offsetSeconds: Math.round((hit.startSeconds - hit.queryStartSeconds) * 1000) / 1000,
    speed: hit.speed,
  };
}

function reportOf(videos: readonly Video[], pairs: DuplicatePair[], minScore: number): DuplicatesReport {
  const byId = new Map(videos.map((video) => [video.id, video]));
  const groups = groupPairs(pairs).map((ids) => ({
    videos: ids.flatMap((id) => {
      const video = byId.get(id);
      if (!video) return [];
      const { title, collection, durationSeconds } = video;
      return [{ id, title, collection, durationSeconds }];
    }),
    pairs: pairs
      .filter(({ videoId }) => ids.includes(videoId))
      .sort((a, b) => b.score - a.score || a.videoId - b.videoId),
  }));
  return { minScore, videoCount: videos.length, groups };
}
