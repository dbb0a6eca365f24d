import type { SearchAnswerJson } from '../../schemas/search.js';
import { searchByVideo, sendForm } from '../parts/api.js';

/** What to search with: a file of the person's, or a video of the archive. */
export type Query =
  | { kind: 'file'; file: File }
  | { kind: 'video'; id: number; title: string; durationSeconds: number };

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
): Promise<SearchAnswerJson> {
  const given: Record<string, string | number> = { k: options.k };
  if (options.collection !== '') given.collection = options.collection;
  if (options.startSeconds !== null) given.startSeconds = options.startSeconds;
  if (options.endSeconds !== null) given.endSeconds = options.endSeconds;
  if (query.kind === 'video')
    return searchByVideo({ videoId: query.id, excludeSelf: true, ...given }, signal);
  const form = new FormData();
  for (const [name, value] of Object.entries(given)) form.append(name, String(value));
  form.append('clip', query.file);
  return sendForm('/search', form, signal, onProgress);
}
