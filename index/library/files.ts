import { basename, isAbsolute, sep } from 'node:path';
import type { Statement } from 'better-sqlite3';
import { compareText } from '../compare-text.js';
import type { SqliteDatabase } from './database.js';
import { placeOf } from './file-moves.js';
import { fold } from './folding.js';
import type { StoredPaths } from './stored-paths.js';
import type { VideoFile } from './types.js';

interface FileRow {
  path: string;
  videoId: number;
  collection: string;
  sizeBytes: number;
  modifiedMs: number;
  owned: number;
  device: string | null;
}

interface AbsoluteRow {
  collectionId: number;
  path: string;
}

const SELECT = `SELECT f.path, f.video_id AS videoId, c.name AS collection, f.size_bytes AS sizeBytes,
  f.modified_ms AS modifiedMs, f.owned, f.device FROM files f JOIN collections c ON c.id = f.collection_id`;

/** Paths are given and taken as they lie on disk. */
export class FilesTable {
  readonly #paths: StoredPaths;
  readonly #find: Statement<[string, string]>;
  readonly #ofVideo: Statement<[number]>;
  readonly #owned: Statement<[]>;
  readonly #below: Statement<[{ collection: string; root: string; start: string; end: string }]>;
  readonly #relative: Statement<[string]>;
  readonly #put: Statement<[number, string, number, string, number, number, number, string | null]>;
  readonly #noteDevice: Statement<[{ device: string; collection: string; path: string }]>;
  readonly #remove: Statement<[string, string]>;
  readonly #absolute: Statement<[{ start: string; end: string }]>;
  readonly #rename: Statement<[string, number, string]>;
  readonly #removeById: Statement<[string, number]>;

  constructor(database: SqliteDatabase, paths: StoredPaths) {
    this.#paths = paths;
    this.#find = database.prepare(`${SELECT} WHERE c.name = ? AND f.path = ?`);
    this.#ofVideo = database.prepare(`${SELECT} WHERE f.video_id = ? ORDER BY f.path`);
    this.#owned = database.prepare(`${SELECT} WHERE f.owned = 1 ORDER BY f.path`);
    this.#below = database.prepare(
      `${SELECT} WHERE c.name = @collection AND f.path >= @root AND f.path < @end
       AND (f.path = @root OR f.path >= @start) ORDER BY f.path`,
    );
    this.#relative = database.prepare(
      `${SELECT} WHERE c.name = ? AND (f.path < '/' OR f.path >= '0') ORDER BY f.path`,
    );
    this.#put = database.prepare(
      `INSERT INTO files (collection_id, path, video_id, name_folded, size_bytes, modified_ms, owned, device)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (collection_id, path) DO UPDATE SET video_id = excluded.video_id,
         size_bytes = excluded.size_bytes, modified_ms = excluded.modified_ms, owned = excluded.owned,
         device = excluded.device`,
    );
    this.#noteDevice = database.prepare(
      `UPDATE files SET device = @device WHERE path = @path AND device IS NOT @device
       AND collection_id = (SELECT id FROM collections WHERE name = @collection)`,
    );
    this.#remove = database.prepare(
      'DELETE FROM files WHERE path = ? AND collection_id = (SELECT id FROM collections WHERE name = ?)',
    );
    this.#absolute = database.prepare(
      `SELECT collection_id AS collectionId, path FROM files
       WHERE collection_id IN (SELECT id FROM collections) AND path >= @start AND path < @end`,
    );
    this.#rename = database.prepare(
      'UPDATE OR IGNORE files SET path = ? WHERE collection_id = ? AND path = ?',
    );
    this.#removeById = database.prepare('DELETE FROM files WHERE path = ? AND collection_id = ?');
  }

  find(collection: string, path: string): VideoFile | null {
    for (const form of this.#paths.formsOf(path)) {
      const row = this.#find.get(collection, form) as FileRow | undefined;
      if (row !== undefined) return this.#toFile(row);
    }
    return null;
  }

  ofVideo(videoId: number): VideoFile[] {
    return this.#toFiles(this.#ofVideo.all(videoId) as FileRow[]);
  }

  owned(): VideoFile[] {
    return this.#toFiles(this.#owned.all() as FileRow[]);
  }

  below(collection: string, root: string): VideoFile[] {
    const rows = this.#inRange(collection, root, sep);
    const relative = this.#paths.relativeBelow(root);
    if (relative === 'all') rows.push(...(this.#relative.all(collection) as FileRow[]));
    else if (relative !== 'none') rows.push(...this.#inRange(collection, relative.from, '/'));
    return this.#toFiles(rows);
  }

  put(collectionId: number, file: Omit<VideoFile, 'collection'>): void {
    const name = fold(basename(file.path));
    const [stored, ...otherForms] = this.#paths.formsOf(file.path) as [string, ...string[]];
    for (const form of otherForms) this.#removeById.run(form, collectionId);
    this.#put.run(
      collectionId,
      stored,
      file.videoId,
      name,
      file.sizeBytes,
      file.modifiedMs,
      Number(file.owned),
      file.device ?? null,
    );
  }

  noteDevice(collection: string, path: string, device: string): void {
    for (const form of this.#paths.formsOf(path)) this.#noteDevice.run({ device, collection, path: form });
  }

  remove(collection: string, path: string): void {
    for (const form of this.#paths.formsOf(path)) this.#remove.run(form, collection);
  }

  /** Places of the data folder that do not stand there relative to it: a backup of it has come back to where it was made. */
  absoluteBelow(dataRoot: string): AbsoluteRow[] {
    const [start, end] = rangeBelow(dataRoot);
    return this.#absolute.all({ start, end }) as AbsoluteRow[];
  }

  makeRelative(rows: readonly AbsoluteRow[]): void {
    for (const { collectionId, path } of rows) {
      this.#rename.run(this.#paths.toStored(path), collectionId, path);
      // Unless it was renamed: the other form is the newer one.
      this.#removeById.run(path, collectionId);
    }
  }

  #inRange(collection: string, root: string, separator: string): FileRow[] {
    const [start, end] = rangeBelow(root, separator);
    return this.#below.all({ collection, root, start, end }) as FileRow[];
  }

  /** In the order of their paths on disk; of a place that stands there in two forms, the one that is written today. */
  #toFiles(rows: readonly FileRow[]): VideoFile[] {
    const files = rows.map((row) => this.#toFile(row));
    if (rows.every(({ path }) => isAbsolute(path))) return files;
    const places = new Map<string, VideoFile>();
    for (const [position, file] of files.entries()) {
      const place = placeOf(file);
      if (!places.has(place) || !isAbsolute((rows[position] as FileRow).path)) places.set(place, file);
    }
    return [...places.values()].sort((a, b) => compareText(a.path, b.path));
  }

  #toFile(row: FileRow): VideoFile {
    return { ...row, path: this.#paths.fromStored(row.path), owned: row.owned === 1 };
  }
}

/** Paths below `root` are exactly those from `root/` on and before the string with the next separator character. */
export function rangeBelow(root: string, separator: string = sep): [string, string] {
  const bare = root.endsWith(separator) ? root.slice(0, -1) : root;
  return [bare + separator, bare + String.fromCharCode(separator.charCodeAt(0) + 1)];
}
