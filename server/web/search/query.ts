import type { SearchAnswer } from '../../client/index.js';
import { api } from '../parts/api.js';

/** What to search with: a file of the person's, or a video of the archive. */
export type Query =
  | { kind: 'file'; file: File }
  | { kind: 'video'; id: number; title: string; durationSeconds: number; mediaUrl: string };

export interface SearchOptions {
  k: number;
  collection: string;
  startSeconds: number | null;
  endSeconds: number | null;
}

/** `onProgress` is told the part of the file that has been sent; never called for a video of the archive. */
export function runSearch(
  query: Query,
  options: SearchOptions,
  signal: AbortSignal,
  onProgress: (sent: number) => void,
): Promise<SearchAnswer> {
  const given = {
    k: options.k,
    explain: true,
    ...(options.collection === '' ? {} : { collection: options.collection }),
    ...(options.startSeconds === null ? {} : { startSeconds: options.startSeconds }),
    ...(options.endSeconds === null ? {} : { endSeconds: options.endSeconds }),
  };
  if (query.kind === 'file') return api.search(query.file, given, { signal, onProgress });
  return api.searchByVideo({ videoId: query.id, excludeSelf: true, ...given }, { signal });
}
