import { rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CliptraceError } from '../errors.js';
import { checkDatabase, openDatabase, type SqliteDatabase } from '../library/database.js';
import { requireMigrated } from '../library/migrations.js';
import { explainSqliteError } from '../library/sqlite-errors.js';
import { StoredPaths } from '../library/stored-paths.js';
import type { JobRequest } from '../library/types.js';
import { THUMBNAIL_NAME } from '../thumbnails.js';
import type { DataFolder } from '../types.js';
import { requireSpace } from './disk.js';

/** Pages that are copied before the signal is looked at. */
const PAGES_PER_STEP = 2048;

/** The library as it was at one moment, in a file of its own that may be changed. */
export class LibraryCopy {
  readonly file: string;
  readonly migration: { version: number; name: string };
  /** The model that has embedded last; null when nothing is embedded. */
  readonly modelId: string | null;
  /** Of the change log, when the copy was made. */
  readonly lastSequence: number;
  readonly removed = new Set<number>();
  readonly #source: string;
  readonly #database: SqliteDatabase;
  readonly #paths: StoredPaths;

  private constructor(database: SqliteDatabase, file: string, dataFolder: DataFolder) {
    this.file = file;
    this.#source = dataFolder.databaseFile;
    this.#database = database;
    this.#paths = new StoredPaths(dirname(dataFolder.databaseFile));
    this.migration = requireMigrated(database);
    this.modelId =
      (database
        .prepare(
          'SELECT id FROM models WHERE key = (SELECT model_key FROM segments ORDER BY id DESC LIMIT 1)',
        )
        .pluck()
        .get() as string | undefined) ?? null;
    this.lastSequence = database
      .prepare('SELECT coalesce(max(sequence), 0) FROM segment_changes')
      .pluck()
      .get() as number;
  }

  /** LIBRARY_DAMAGED rather than a copy that could not be opened. */
  static async make(
    dataFolder: DataFolder,
    file: string,
    signal: AbortSignal | undefined,
  ): Promise<LibraryCopy> {
    try {
      await copyDatabase(dataFolder.databaseFile, file, signal);
      const database = openDatabase(file, { readonly: false });
      try {
        const [problem] = checkDatabase(database);
        if (problem === undefined) return new LibraryCopy(database, file, dataFolder);
        throw new CliptraceError(
          'LIBRARY_DAMAGED',
          `${dataFolder.databaseFile} is damaged (${problem}), so that a backup of it would be of no use. Run "cliptrace verify".`,
        );
      } catch (error) {
        database.close();
        throw error;
      }
    } catch (error) {
      await removeDatabase(file);
      throw explainSqliteError(error, dataFolder.databaseFile);
    }
  }

  /** Files of the data folder: of videos, of jobs that are still to come or may be resumed, and clips that are watched for. */
  uploads(): { path: string; videoId: number | null }[] {
    const stored = this.#database
      .prepare('SELECT path, video_id AS videoId FROM files WHERE owned = 1 ORDER BY path')
      .all() as { path: string; videoId: number | null }[];
    const requests = this.#database
      .prepare("SELECT request_json FROM jobs WHERE status NOT IN ('done', 'cancelled')")
      .pluck()
      .all() as string[];
    const waiting = requests.flatMap((json) => {
      const request = JSON.parse(json) as JobRequest;
      return request.type === 'upload' ? [{ path: request.path, videoId: null }] : [];
    });
    const clips = this.#database
      .prepare("SELECT source_json ->> '$.path' AS path FROM watches WHERE source_json ->> '$.kind' = 'clip'")
      .all() as { path: string }[];
    waiting.push(...clips.map(({ path }) => ({ path, videoId: null })));
    const known = new Set(stored.map(({ path }) => path));
    return [...stored, ...waiting.filter(({ path }) => !known.has(path))].map(({ path, videoId }) => ({
      path: this.#paths.fromStored(path),
      videoId,
    }));
  }

  /** Whether a picture of this name belongs to a video of the copy. */
  hasThumbnail(name: string): boolean {
    const { videoId, content } = THUMBNAIL_NAME.exec(name)?.groups ?? {};
    if (videoId === undefined) return false;
    const hash = this.#database
      .prepare('SELECT content_hash FROM videos WHERE id = ?')
      .pluck()
      .get(Number(videoId));
    return typeof hash === 'string' && hash.startsWith(content as string);
  }

  /** Forgets an upload that was removed after the copy was made; false when the library still has it: its file is lost. */
  forgetRemoved(videoId: number): boolean {
    const live = openDatabase(this.#source, { readonly: true });
    try {
      if (live.prepare('SELECT 1 FROM videos WHERE id = ?').get(videoId) !== undefined) return false;
    } finally {
      live.close();
    }
    this.#database.prepare('DELETE FROM videos WHERE id = ?').run(videoId);
    this.#database.exec('DELETE FROM collections WHERE id NOT IN (SELECT collection_id FROM videos)');
    this.removed.add(videoId);
    return true;
  }

  /**
   * Files of the archive below the data folder are not in a backup: they stay where they are, wherever it is restored.
   */
  #pinArchive(): void {
    const pin = this.#database.prepare('UPDATE OR REPLACE files SET path = ? WHERE path = ?');
    const stored = this.#database
      .prepare("SELECT DISTINCT path FROM files WHERE owned = 0 AND (path < '/' OR path >= '0')")
      .pluck()
      .all() as string[];
    for (const path of stored) pin.run(this.#paths.fromStored(path), path);
  }

  /** Closes the copy as one file without a log beside it. */
  finish(): { videos: number; segments: number } {
    const count = (table: string) =>
      this.#database.prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number;
    this.#pinArchive();
    const counts = { videos: count('videos'), segments: count('segments') };
    this.#database.pragma('wal_checkpoint(TRUNCATE)');
    this.#database.pragma('journal_mode = DELETE');
    this.#database.close();
    return counts;
  }

  async remove(): Promise<void> {
    this.#database.close();
    await removeDatabase(this.file);
  }
}

async function copyDatabase(from: string, to: string, signal: AbortSignal | undefined): Promise<void> {
  const source = openDatabase(from, { readonly: true });
  try {
    // Twice: once as this copy, once more in the backup.
    await requireSpace(to, 2 * (await stat(from)).size);
    // One state of the library to the end, however much is written meanwhile: without it each commit of another process
    // would begin the copy anew.
    source.exec('BEGIN');
    source.prepare('SELECT count(*) FROM sqlite_schema').get();
    await source.backup(to, {
      progress: () => {
        signal?.throwIfAborted();
        return PAGES_PER_STEP;
      },
    });
  } finally {
    source.close();
  }
}

async function removeDatabase(file: string): Promise<void> {
  for (const suffix of ['', '-wal', '-shm', '-journal']) await rm(`${file}${suffix}`, { force: true });
}
