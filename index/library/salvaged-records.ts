import type { JobRequest } from './types.js';
import type { WatchSource } from './watch-types.js';

/**
 * What can still be told from JSON that is damaged. A file of the data folder keeps its name, so that it is not taken for one that
 * belongs to nothing, and deleted.
 */

const OWN_FILE = /"(media\/[0-9A-Za-z-]+)"/;

/** An upload when the file's name is there; else a request that asks for nothing. */
export function readableRequest(text: string): JobRequest {
  const path = OWN_FILE.exec(text)?.[1];
  const collection = textOf(text, 'collection') ?? 'default';
  if (path === undefined) return { type: 'index', paths: [], collection, labelFrom: null, prune: false };
  const title = textOf(text, 'title') ?? path;
  return { type: 'upload', path, collection, title, label: textOf(text, 'label') };
}

/** A watch whose source is lost goes on with what the encoder made of it, until the model changes: video 0 never exists. */
export function readableSource(text: string): WatchSource {
  const range = { startSeconds: numberOf(text, 'startSeconds'), endSeconds: numberOf(text, 'endSeconds') };
  const path = OWN_FILE.exec(text)?.[1];
  if (path !== undefined) return { kind: 'clip', path, ...range };
  return { kind: 'video', videoId: 0, contentHash: '', ...range };
}

function textOf(json: string, name: string): string | null {
  return new RegExp(`"${name}":"([^"\\\\\\p{Cc}]*)"`, 'u').exec(json)?.[1] ?? null;
}

function numberOf(json: string, name: string): number | null {
  const digits = new RegExp(`"${name}":(\\d+(?:\\.\\d+)?)[,}]`).exec(json)?.[1];
  return digits === undefined ? null : Number(digits);
}
