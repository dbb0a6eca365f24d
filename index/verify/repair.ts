import { mkdir } from 'node:fs/promises';
import Database from 'better-sqlite3';
import { openDatabase, type SqliteDatabase } from '../library/database.js';
import { mendRecord } from '../library/json-records.js';
import { deleteOwn } from '../library/own-files.js';
import { deleteFeatures, deleteOrphanRows } from '../library/row-checks.js';
import { SqliteLibrary } from '../library/sqlite-library.js';
import type { JobRequest, Video, VideoFile } from '../library/types.js';
import { dropWatchFeatures } from '../library/watch-feature-checks.js';
import { explainingWrites } from '../storage-errors.js';
import type { DataFolder } from '../types.js';
import { openSegmentIndex } from '../vectors/index-follower.js';
import { SnapshotStore } from '../vectors/snapshot.js';
import type { Problem, Repair } from './types.js';
import { sourceOf } from './video-source.js';

/** Repairs in the order in which one may depend on another. For who holds the data folder. */
export async function repairProblems(
  dataFolder: DataFolder,
  problems: readonly Problem[],
  onStep: ((step: string) => void) | undefined,
): Promise<void> {
  const repairs = problems.flatMap(({ repair }) => repair ?? []);
  const database = openDatabase(dataFolder.databaseFile, { readonly: false });
  try {
    const library = new SqliteLibrary(database, dataFolder.databaseFile, null);
    if (ofKind(repairs, 'rebuild-database-indexes').length > 0) {
      onStep?.("Rebuilding the database's indexes");
      rebuildIndexes(database);
    }
    const records = ofKind(repairs, 'mend-record');
    if (records.length > 0) {
      onStep?.('Mending rows that cannot be read');
      database
        .transaction(() => {
          for (const record of records) mendRecord(database, record);
        })
        .immediate();
    }
    if (ofKind(repairs, 'delete-orphan-rows').length > 0) {
      onStep?.('Deleting rows that refer to nothing');
      withoutForeignKeys(database, () => deleteOrphanRows(database));
    }
    const videoIds = new Set(ofKind(repairs, 'embed-again').map(({ videoId }) => videoId));
    for (const videoId of videoIds) {
      onStep?.(`Queueing video ${videoId} to be embedded again`);
      await embedAgain(database, library, videoId);
    }
    for (const { watchId } of ofKind(repairs, 'embed-watch-again')) dropWatchFeatures(database, watchId);
    for (const { path } of ofKind(repairs, 'delete-file')) {
      await explainingWrites(path, () => deleteOwn(path));
    }
    await explainingWrites(dataFolder.vectorsFolder, () =>
      rebuildSnapshots(dataFolder, library, ofKind(repairs, 'rebuild-snapshot'), onStep),
    );
  } finally {
    database.close();
  }
}

/** Where two rows have one key, or an index cannot even be emptied, it stays as it is, and the next check tells. */
function rebuildIndexes(database: SqliteDatabase): void {
  try {
    database.exec('REINDEX');
  } catch (error) {
    const code = error instanceof Database.SqliteError ? error.code : '';
    if (!/^SQLITE_(CONSTRAINT|CORRUPT)/.test(code)) throw error;
  }
}

/** So that they are not checked row by row while the rows they speak of come and go. */
function withoutForeignKeys(database: SqliteDatabase, work: () => void): void {
  database.pragma('foreign_keys = OFF');
  try {
    database.transaction(work).immediate();
  } finally {
    database.pragma('foreign_keys = ON');
  }
}

/** Features that nobody could make again, because no file has their content, stay as they are. */
async function embedAgain(database: SqliteDatabase, library: SqliteLibrary, videoId: number): Promise<void> {
  const video = await library.getVideo(videoId);
  if (video === null) return;
  const file = await sourceOf(await library.filesOf(videoId), video.contentHash);
  if (file === null) return;
  database.transaction(() => deleteFeatures(database, videoId)).immediate();
  await library.createJob(requestFor(video, file));
}

function requestFor({ title, label, collection }: Video, { path, owned }: VideoFile): JobRequest {
  return owned
    ? { type: 'upload', path, collection, title, label }
    : { type: 'index', paths: [path], collection, labelFrom: null, prune: false };
}

async function rebuildSnapshots(
  dataFolder: DataFolder,
  library: SqliteLibrary,
  repairs: readonly Extract<Repair, { kind: 'rebuild-snapshot' }>[],
  onStep: ((step: string) => void) | undefined,
): Promise<void> {
  for (const { modelId, dimension } of repairs) {
    onStep?.(`Rebuilding the vector index of ${modelId}`);
    const folder = dataFolder.vectorsFolder;
    await mkdir(folder, { recursive: true });
    await new SnapshotStore(folder, modelId).remove();
    const { index } = await openSegmentIndex({
      library,
      model: { id: modelId, dimension },
      folder,
      writable: true,
    });
    try {
      await index.saveSnapshot();
    } finally {
      await index.close();
    }
  }
}

function ofKind<Kind extends Repair['kind']>(
  repairs: readonly Repair[],
  kind: Kind,
): Extract<Repair, { kind: Kind }>[] {
  return repairs.filter((repair): repair is Extract<Repair, { kind: Kind }> => repair.kind === kind);
}
