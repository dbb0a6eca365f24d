import { stat } from 'node:fs/promises';
import { contentHash } from '../ingest/content-hash.js';
import type { Problem } from './types.js';

interface SourceFile {
  path: string;
  sizeBytes: number;
}

/**
 * The file that features of this content can be made of again; null when none has it. Read to its end, because what is dropped
 * on the strength of it cannot be had back: the same size and time are no proof.
 */
export async function sourceOf<T extends SourceFile>(
  files: readonly T[],
  expectedHash: string,
): Promise<T | null> {
  for (const file of files) {
    try {
      if ((await stat(file.path)).size !== file.sizeBytes) continue;
      if ((await contentHash(file.path)) === expectedHash) return file;
    } catch {
      // Another copy may still be there.
    }
  }
  return null;
}

/** Takes the repair from problems with videos that could not be embedded again, and says what a person can do. */
export async function withholdEmbedding(
  problems: readonly Problem[],
  files: readonly (SourceFile & { videoId: number; contentHash: string })[],
): Promise<Problem[]> {
  const known = new Map<number, boolean>();
  const told: Problem[] = [];
  for (const problem of problems) {
    if (problem.repair?.kind !== 'embed-again') {
      told.push(problem);
      continue;
    }
    const { videoId } = problem.repair;
    if (!known.has(videoId)) known.set(videoId, await hasSource(videoId, files));
    told.push(
      known.get(videoId) ? problem : { ...problem, repair: null, remedy: remedyWithoutSource(videoId) },
    );
  }
  return told;
}

async function hasSource(
  videoId: number,
  files: readonly (SourceFile & { videoId: number; contentHash: string })[],
): Promise<boolean> {
  const own = files.filter((file) => file.videoId === videoId);
  return own[0] !== undefined && (await sourceOf(own, own[0].contentHash)) !== null;
}

function remedyWithoutSource(videoId: number): string {
  return (
    'No file of it is there with the content that was indexed, so nothing is dropped: nobody could make it again. ' +
    'Restore the file from a copy and repair again; or run "cliptrace index" to take what lies there now, ' +
    `or "cliptrace remove ${videoId}".`
  );
}
