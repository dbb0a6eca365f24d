import { createHash } from 'node:crypto';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { SqliteDatabase } from '../../index/library/database.js';
import { openDatabase } from '../../index/library/database.js';
import { openLibrary, type SqliteLibrary } from '../../index/library/sqlite-library.js';
import type { DataFolder } from '../../index/types.js';
import { openSegmentIndex } from '../../index/vectors/index-follower.js';
import { verifyDataFolder } from '../../index/verify/verify.js';
import { temporaryDataFolder, temporaryFolder } from '../library/fixtures.js';
import { MODEL, registerModel, segmentBatch, videoInput } from '../library/library-inputs.js';

export interface SoundFolder {
  dataFolder: DataFolder;
  archive: string;
  /** Path of a video's file, by its name. */
  fileOf(name: number): string;
}

export const VIDEO_COUNT = 6;
/** An upload: its file lies in the data folder. */
export const UPLOAD = 6;
export const SEGMENTS_OF_A_VIDEO = 70;

/** A data folder with six videos, whose files lie where the library says, and a snapshot. */
export async function soundFolder(): Promise<SoundFolder> {
  const dataFolder = await temporaryDataFolder();
  const archive = temporaryFolder();
  const fileOf = (name: number) =>
    name === UPLOAD ? join(dataFolder.mediaFolder, 'a1b2c3') : join(archive, `${name}.mp4`);
  const library = await openLibrary({ dataFolder, mode: 'write' });
  await registerModel(library, MODEL);
  for (let name = 1; name <= VIDEO_COUNT; name += 1)
    await addVideo(library, name, fileOf(name), name === UPLOAD);
  const { index } = await openSegmentIndex({
    library,
    model: MODEL,
    folder: dataFolder.vectorsFolder,
    writable: true,
  });
  // So that change log and snapshot know of removals, too.
  await library.removeVideo((await addVideo(library, 99, join(archive, '99.mp4'), false)).id);
  await index.catchUp();
  await index.saveSnapshot();
  await index.close();
  mkdirSync(dataFolder.thumbnailsFolder, { recursive: true });
  writeFileSync(join(dataFolder.thumbnailsFolder, `1-${contentOf(1).hash.slice(0, 16)}-3.jpg`), 'a picture');
  await library.close();
  return { dataFolder, archive, fileOf };
}

export async function addVideo(library: SqliteLibrary, name: number, path: string, owned: boolean) {
  const { bytes, hash } = contentOf(name);
  writeFileSync(path, bytes);
  const { size, mtimeMs } = statSync(path);
  return await library.putVideo({
    video: videoInput({ contentHash: hash, title: `Video ${name}`, sizeBytes: size }),
    file: { path, sizeBytes: size, modifiedMs: mtimeMs, owned },
    modelId: MODEL.id,
    segments: segmentBatch(SEGMENTS_OF_A_VIDEO, name * 1000),
  });
}

function contentOf(name: number): { bytes: string; hash: string } {
  const bytes = `the bytes of video ${name}`;
  return { bytes, hash: createHash('sha256').update(bytes).digest('hex') };
}

export async function verify(
  { dataFolder }: SoundFolder,
  options: { deep?: boolean; repair?: boolean; modelId?: string | null } = {},
) {
  return await verifyDataFolder({ dataFolder, modelId: MODEL.id, deep: false, repair: false, ...options });
}

/** Changes the database behind the product's back. */
export function tamper({ dataFolder }: SoundFolder, change: (database: SqliteDatabase) => void): void {
  const database = openDatabase(dataFolder.databaseFile, { readonly: false });
  database.pragma('foreign_keys = OFF');
  try {
    change(database);
    database.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    database.close();
  }
}

export async function openForTest(
  { dataFolder }: SoundFolder,
  mode: 'read' | 'write' = 'write',
): Promise<SqliteLibrary> {
  const library = await openLibrary({ dataFolder, mode });
  onTestFinished(() => library.close());
  return library;
}
