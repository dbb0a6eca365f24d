import { CliptraceError } from '../../errors.js';
import type { TaskRunner } from '../../ingest/types.js';
import { NO_PROGRESS } from '../../library/jobs.js';
import type { Library, Segment } from '../../library/types.js';
import { PLAIN_KINDS, type PlainKind } from '../../media/plain-kinds.js';
import type { SegmentIndex } from '../../vectors/types.js';
import { groupBoilerplate } from './group-segments.js';
import { type ComparedSegment, leastVideosOf, nearSegments, repeatedSegments } from './repeated-segments.js';
import type { BoilerplateReport } from './types.js';

export interface BoilerplateParts {
  library: Library;
  index: SegmentIndex;
  modelId: string;
}

/** Neighbours of each segment that are looked at, its own video's among them. */
const NEIGHBOURS = 64;
/** Segments of one question to the index: a search that comes meanwhile waits for that. */
const BATCH = 16;
const PAGE = 4096;
/** Groups that the report keeps. */
const GROUPS_KEPT = 1000;
/** The collection is looked through anew when it has grown by so much: every segment is then compared about five times in all. */
const GROWTH = 1.25;

/** A job that looks through a collection for what stands in many of its videos, and notes it in the library. */
export function createBoilerplateTask(parts: BoilerplateParts): TaskRunner {
  return async (job, { signal, onProgress }) => {
    if (job.request.type !== 'boilerplate') {
      throw new CliptraceError('INTERNAL', 'This job looks for no boilerplate');
    }
    const { collection } = job.request;
    const { library, modelId } = parts;
    const known = await segmentsOfCollection(parts, collection);
    const compared: ComparedSegment[] = [];
    for (const page of pagesOf([...known.values()], BATCH)) {
      if (signal.aborted) throw new CliptraceError('CANCELLED', 'The job was cancelled');
      compared.push(...(await compare(parts, collection, page, known)));
      onProgress({ ...NO_PROGRESS, queriesDone: compared.length, queriesTotal: known.size });
    }
    compared.sort((a, b) => a.videoId - b.videoId || a.startSeconds - b.startSeconds || a.id - b.id);
    const videoCount = new Set(compared.map(({ videoId }) => videoId)).size;
    const leastVideos = leastVideosOf(videoCount);
    const { segments, groups } = groupBoilerplate(compared, repeatedSegments(compared, leastVideos));
    const report: BoilerplateReport = {
      formatVersion: 1,
      modelId,
      videoCount,
      segmentCount: compared.length,
      leastVideos,
      groupCount: groups.length,
      groups: groups.slice(0, GROUPS_KEPT),
      computedAt: new Date().toISOString(),
    };
    const lastSegmentId = [...known.keys()].at(-1) ?? 0;
    await library.putBoilerplate(collection, { report, segments, lastSegmentId });
    return { ...NO_PROGRESS, queriesDone: compared.length, queriesTotal: compared.length };
  };
}

/** Asks for a look through the collection when it has grown by a quarter since the last one, or has not been looked through. */
export async function findBoilerplateIfGrown(
  { library, modelId }: Pick<BoilerplateParts, 'library' | 'modelId'>,
  collection: string,
): Promise<void> {
  const videoCount =
    (await library.listCollections()).find(({ name }) => name === collection)?.videoCount ?? 0;
  if (videoCount < leastVideosOf(videoCount)) return;
  const report = await library.getBoilerplate(collection, modelId);
  if (report && videoCount < GROWTH * report.videoCount) return;
  const isWaiting = (await library.pendingJobs()).some(
    ({ request }) => request.type === 'boilerplate' && request.collection === collection,
  );
  if (!isWaiting) await library.createJob({ type: 'boilerplate', collection });
}

/** By id, ascending. */
async function segmentsOfCollection(
  { library, modelId }: BoilerplateParts,
  collection: string,
): Promise<Map<number, Segment>> {
  const found = new Map<number, Segment>();
  for (let afterId = 0; ; ) {
    const { ids } = await library.readVectors(modelId, afterId, PAGE, { collection });
    if (ids.length === 0) return found;
    const segments = await library.findSegments(ids);
    for (const id of ids) {
      const segment = segments.get(id);
      if (segment) found.set(id, segment);
    }
    afterId = ids.at(-1) as number;
  }
}

async function compare(
  { library, index }: BoilerplateParts,
  collection: string,
  segments: readonly Segment[],
  known: ReadonlyMap<number, Segment>,
): Promise<ComparedSegment[]> {
  const { ids, vectors } = await library.vectorsOf(segments.map(({ id }) => id));
  const isAlone = (await library.listCollections()).length === 1;
  const neighbours = await index.searchFiltered(vectors, NEIGHBOURS, isAlone ? {} : { collection });
  return ids.map((id, row) => {
    const { videoId, startSeconds, endSeconds, boilerplate } = known.get(id) as Segment;
    const near = nearSegments(
      { id, videoId },
      neighbours[row] ?? { ids: [], similarities: [] },
      (segmentId) => known.get(segmentId)?.videoId,
    );
    return { id, videoId, startSeconds, endSeconds, plain: plainOf(boilerplate), near };
  });
}

function plainOf(kind: Segment['boilerplate']): PlainKind | null {
  return PLAIN_KINDS.find((plain) => plain === kind) ?? null;
}

function* pagesOf<T>(items: readonly T[], size: number): Generator<T[], void, undefined> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}
