import { errorCodeOf, errorMessageOf } from '../errors.js';
import { openDatabase, type SqliteDatabase } from '../library/database.js';
import { folderIsHeld, lockDataFolder } from '../library/folder-lock.js';
import { requireMigrated } from '../library/migrations.js';
import { explaining } from '../library/sqlite-errors.js';
import { SqliteLibrary } from '../library/sqlite-library.js';
import type { DataFolder } from '../types.js';
import { checkFiles, type ExpectedFile, expectedFiles } from './check-files.js';
import { checkFolders } from './check-folders.js';
import { checkIntegrity, RESTORE } from './check-integrity.js';
import { checkPictures } from './check-pictures.js';
import { checkRecords } from './check-records.js';
import { checkModelFeatures, checkRows } from './check-rows.js';
import { checkSnapshot, type LoadedSnapshot, loadSnapshot } from './check-snapshots.js';
import { checkStrays } from './check-strays.js';
import { checkWaitingFiles, type WaitingFile, waitingFiles } from './check-waiting.js';
import { checkWatches } from './check-watches.js';
import { repairProblems } from './repair.js';
import { repairInRounds } from './repair-rounds.js';
import type { Findings, Problem, VerifyReport, VerifyStatus } from './types.js';
import { withholdEmbedding } from './video-source.js';

export interface VerifyOptions {
  dataFolder: DataFolder;
  /** The encoder in use; null when it is not known: then nothing is said about videos of other models. */
  modelId: string | null;
  /** Also compares the content of every file with its hash. */
  deep: boolean;
  /** Puts right what can be made again. Holds the data folder: DATA_FOLDER_IN_USE. */
  repair: boolean;
  onStep?: ((step: string) => void) | undefined;
}

/**
 * Checks a data folder, also while another process writes to it: everything is read from one state of the library.
 * LIBRARY_NOT_FOUND, LIBRARY_TOO_NEW, MIGRATION_HISTORY, DATA_FOLDER_IN_USE (`repair`), DISK_FULL (`repair`).
 */
export async function verifyDataFolder(options: VerifyOptions): Promise<VerifyReport> {
  const startedAt = performance.now();
  const lock = options.repair ? lockDataFolder(options.dataFolder) : null;
  try {
    const found = await check(options);
    const { problems, last } = options.repair ? await repairAll(options, found) : { ...found, last: null };
    const remaining = last?.problems ?? null;
    const elapsedSeconds = (performance.now() - startedAt) / 1000;
    return {
      ...(last ?? found),
      ...{ status: statusOf(problems, remaining), problems, remaining, elapsedSeconds },
    };
  } finally {
    lock?.release();
  }
}

function repairAll(options: VerifyOptions, found: Findings) {
  return repairInRounds(found, {
    repair: (problems) => repairProblems(options.dataFolder, problems, options.onStep),
    check: () => {
      options.onStep?.('Checking again');
      return check(options);
    },
  });
}

function statusOf(problems: readonly Problem[], remaining: readonly Problem[] | null): VerifyStatus {
  if (problems.length === 0) return 'sound';
  if (remaining?.length === 0) return 'repaired';
  return (remaining ?? problems).every(({ repair }) => repair !== null) ? 'repairable' : 'unrepairable';
}

async function check(options: VerifyOptions): Promise<Findings> {
  const findings: Findings = {
    problems: [],
    checked: { videos: 0, segments: 0, files: 0, hashedFiles: 0, snapshots: 0 },
    skipped: [],
  };
  const file = options.dataFolder.databaseFile;
  let database: SqliteDatabase | undefined;
  try {
    const opened = openDatabase(file, { readonly: true });
    database = opened;
    const { files, waiting } = await explainingAsync(file, () => checkLibrary(opened, options, findings));
    // Files are read without a transaction: it would keep a writer's log growing for as long.
    if (files.length > 0) {
      await checkArchive(files, options, findings);
      findings.problems.push(...(await checkPictures(options.dataFolder.thumbnailsFolder, files)));
    }
    findings.problems.push(...(await checkWaitingFiles(waiting, options)));
    findings.problems = await withholdEmbedding(findings.problems, files);
  } catch (error) {
    if (errorCodeOf(error) !== 'LIBRARY_DAMAGED') throw error;
    findings.problems.push({
      code: 'DATABASE_DAMAGED',
      subject: 'library.sqlite',
      detail: errorMessageOf(error),
      repair: null,
      remedy: RESTORE,
    });
    findings.skipped.push('what follows from the library, which cannot be read to its end');
  } finally {
    database?.close();
  }
  return findings;
}

/** Everything that is read from the database, in one transaction; returns the files still to be looked at. */
async function checkLibrary(
  database: SqliteDatabase,
  options: VerifyOptions,
  findings: Findings,
): Promise<{ files: ExpectedFile[]; waiting: WaitingFile[] }> {
  const { dataFolder, modelId, onStep } = options;
  const { problems, checked, skipped } = findings;
  requireMigrated(database);
  onStep?.('Checking the database');
  problems.push(...checkIntegrity(database));
  if (problems.length > 0) {
    // What a damaged index of SQLite's makes rows look like is no reason to drop any: it is made anew first.
    skipped.push('what follows from the library, which is damaged');
    return { files: [], waiting: [] };
  }
  problems.push(...checkRecords(database));
  if (problems.some(({ subject }) => /^(jobs|watches) /.test(subject))) {
    // What they ask for is not known, and so neither is which files and videos wait for them.
    skipped.push('what follows from jobs and watches that cannot be read');
    return { files: [], waiting: [] };
  }
  // Before the state of the library is taken: a snapshot that a server writes meanwhile would be ahead of it.
  const library = new SqliteLibrary(database, dataFolder.databaseFile, null);
  onStep?.('Reading the vector index');
  const unusable = await checkFolders(dataFolder);
  problems.push(...unusable);
  const snapshots = unusable.some(({ subject }) => subject === dataFolder.vectorsFolder)
    ? []
    : await loadSnapshots(database, options);
  try {
    database.exec('BEGIN');
    checked.videos = (await library.listVideos({ limit: 1 })).totalCount;
    onStep?.('Checking rows and features');
    problems.push(...(await checkRows(database, library)));
    const features = await checkModelFeatures(database, library, modelId);
    problems.push(...features.problems);
    checked.segments = features.segmentCount;
    problems.push(...(await checkWatches(database, library, dataFolder.root)));
    onStep?.('Comparing the vector index with the library');
    await checkSnapshots(snapshots, library, options, findings);
    await checkLeftovers(modelsOf(database), library, options, findings);
    return {
      files: expectedFiles(database, dataFolder.root),
      waiting: await waitingFiles(database, library, dataFolder.root),
    };
  } finally {
    if (database.inTransaction) database.exec('ROLLBACK');
    for (const { index } of snapshots) await index.close();
  }
}

async function checkSnapshots(
  snapshots: readonly LoadedSnapshot[],
  library: SqliteLibrary,
  { modelId }: VerifyOptions,
  { problems, checked, skipped }: Findings,
): Promise<void> {
  // Where the one in use is not known, at least not those that no video is embedded by.
  const unused = new Set(modelId === null ? await library.unusedModels() : []);
  for (const snapshot of snapshots.filter(({ model }) => !unused.has(model.id))) {
    const required = (await library.countSegments(snapshot.model.id)) > 0;
    try {
      problems.push(...(await checkSnapshot(snapshot, library, { required })));
      checked.snapshots += 1;
    } catch (error) {
      // Features of a wrong length, which were told.
      if (errorCodeOf(error) !== 'LIBRARY_DAMAGED') throw error;
      skipped.push(`the vector index of ${snapshot.model.id}: ${errorMessageOf(error)}`);
    }
  }
}

/** What belongs to nothing is only known when everything that things belong to can be read. */
async function checkLeftovers(
  models: readonly Model[],
  library: SqliteLibrary,
  { dataFolder, repair }: VerifyOptions,
  { problems, skipped }: Findings,
): Promise<void> {
  if (!repair && folderIsHeld(dataFolder)) {
    skipped.push('stray files: another process holds the data folder, and they may be its own');
  } else if (problems.some(({ code }) => code === 'ROWS_ORPHANED' || code === 'DATABASE_DAMAGED')) {
    skipped.push('stray files: rows are lost, and they may belong to those');
  } else {
    const modelIds = models.map(({ id }) => id);
    problems.push(...(await checkStrays(dataFolder, library, modelIds)));
  }
}

interface Model {
  id: string;
  dimension: number;
}

function modelsOf(database: SqliteDatabase): Model[] {
  return database.prepare('SELECT id, dimension FROM models ORDER BY key').all() as Model[];
}

/** Those of superseded models answer nobody: whether they are whole says nothing about the folder. */
async function loadSnapshots(
  database: SqliteDatabase,
  { dataFolder, modelId }: VerifyOptions,
): Promise<LoadedSnapshot[]> {
  const inUse = modelsOf(database).filter(({ id }) => modelId === null || id === modelId);
  return await Promise.all(inUse.map((model) => loadSnapshot(dataFolder.vectorsFolder, model)));
}

async function checkArchive(
  files: readonly ExpectedFile[],
  { deep, onStep }: VerifyOptions,
  { problems, checked }: Findings,
): Promise<void> {
  onStep?.(deep ? `Reading ${files.length} files` : `Looking at ${files.length} files`);
  problems.push(...(await checkFiles(files, { deep })));
  checked.files = files.length;
  if (deep) checked.hashedFiles = files.length;
}

/** `explaining` for work that takes turns. */
async function explainingAsync<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    return explaining(file, () => {
      throw error;
    });
  }
}
