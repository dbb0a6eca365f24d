import { basename, sep } from 'node:path';
import type { Statement } from 'better-sqlite3';
import type { SqliteDatabase } from './database.js';
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
}

const SELECT = `SELECT f.path, f.video_id AS videoId, c.name AS collection, f.size_bytes AS sizeBytes,
  f.modified_ms AS modifiedMs, f.owned FROM files f JOIN collections c ON c.id = f.collection_id`;

/** Paths are given and taken as they lie on disk. */
export class FilesTable {
  readonly #paths: StoredPaths;
  readonly #find: Statement<[string, string]>;
  readonly #ofVideo: Statement<[number]>;
  readonly #owned: Statement<[]>;
  readonly #below: Statement<[{ collection: string; root: string; start: string; end: string }]>;
  readonly #put: Statement<[number, string, number, string, number, number, number]>;
  readonly #remove: Statement<[string, string]>;

  constructor(database: SqliteDatabase, paths: StoredPaths) {
    this.#paths = paths;
    this.#find = database.prepare(`${SELECT} WHERE c.name = ? AND f.path = ?`);
    this.#ofVideo = database.prepare(`${SELECT} WHERE f.video_id = ? ORDER BY f.path`);
    this.#owned = database.prepare(`${SELECT} WHERE f.owned = 1 ORDER BY f.path`);
    this.#below = database.prepare(
      `${SELECT} WHERE c.name = @collection AND f.path >= @root AND f.path < @end
       AND (f.path = @root OR f.path >= @start) ORDER BY f.path`,
    );
    this.#put = database.prepare(
      `INSERT INTO files (collection_id, path, video_id, name_folded, size_bytes, modified_ms, owned)
       VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (collection_id, path) DO UPDATE SET video_id = excluded.video_id,
         size_bytes = excluded.size_bytes, modified_ms = excluded.modified_ms, owned = excluded.owned`,
    );
    this.#remove = database.prepare(
      'DELETE FROM files WHERE path = ? AND collection_id = (SELECT id FROM collections WHERE name = ?)',
    );
  }

  find(collection: string, path: string): VideoFile | null {
    const row = this.#find.get(collection, this.#paths.toStored(path)) as FileRow | undefined;
    return row === undefined ? null : this.#toFile(row);
  }

  ofVideo(videoId: number): VideoFile[] {
    return (this.#ofVideo.all(videoId) as FileRow[]).map((row) => this.#toFile(row));
  }

  owned(): VideoFile[] {
    return (this.#owned.all() as FileRow[]).map((row) => this.#toFile(row));
  }

  below(collection: string, root: string): VideoFile[] {
    const [start, end] = rangeBelow(root);
    return (this.#below.all({ collection, root, start, end }) as FileRow[]).map((row) => this.#toFile(row));
  }

  put(collectionId: number, file: Omit<VideoFile, 'collection'>): void {
    const name = fold(basename(file.path));
    this.#put.run(
      collectionId,
      this.#paths.toStored(file.path),
      file.videoId,
      name,
      file.sizeBytes,
      file.modifiedMs,
      Number(file.owned),
    );
  }

  remove(collection: string, path: string): void {
    this.#remove.run(this.#paths.toStored(path), collection);
  }

  #toFile(row: FileRow): VideoFile {
    return { ...row, path: this.#paths.fromStored(row.path), owned: row.owned === 1 };
  }
}

/** Paths below `root` are exactly those from `root/` on and before the string with the next separator character. */
export function rangeBelow(root: string): [string, string] {
  const bare = root.endsWith(sep) ? root.slice(0, -1) : root;
  return [bare + sep, bare + String.fromCharCode(sep.charCodeAt(0) + 1)];
}
