import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openDataFolder } from '../../index/library/data-folder.js';
import { openLibrary, type SqliteLibrary } from '../../index/library/sqlite-library.js';
import type { DataFolder } from '../../index/types.js';
import { MODEL, registerModel } from './library-inputs.js';

export * from './library-inputs.js';

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cliptrace-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function temporaryDataFolder(): Promise<DataFolder> {
  return openDataFolder(join(temporaryFolder(), 'data'), { create: true });
}

/** A library of its own for a test, with MODEL registered; closed when the test ends. */
export async function temporaryLibrary(
  dataFolder?: DataFolder,
): Promise<{ library: SqliteLibrary; dataFolder: DataFolder }> {
  const folder = dataFolder ?? (await temporaryDataFolder());
  const library = await openLibrary({ dataFolder: folder, mode: 'write' });
  onTestFinished(() => library.close());
  await registerModel(library, MODEL);
  return { library, dataFolder: folder };
}
