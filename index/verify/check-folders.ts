import { readdir } from 'node:fs/promises';
import { errorMessageOf } from '../errors.js';
import type { DataFolder } from '../types.js';
import type { Problem } from './types.js';

/** Folders of the data folder that are there and cannot be used. One that is missing is made by whoever writes to it. */
export async function checkFolders(dataFolder: DataFolder): Promise<Problem[]> {
  const { vectorsFolder, mediaFolder, thumbnailsFolder, temporaryFolder } = dataFolder;
  const problems: Problem[] = [];
  for (const path of [vectorsFolder, mediaFolder, thumbnailsFolder, temporaryFolder]) {
    try {
      await readdir(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') continue;
      // What lies there is not ours, so no repair takes it away.
      problems.push({
        code: 'FOLDER_UNUSABLE',
        subject: path,
        detail:
          code === 'ENOTDIR' ? 'it is a file, not a folder' : `it cannot be read: ${errorMessageOf(error)}`,
        repair: null,
        remedy:
          code === 'ENOTDIR'
            ? 'Move the file away; "cliptrace verify --repair" and the next start make the folder anew.'
            : 'Correct its owner and permissions, or check its disk.',
      });
    }
  }
  return problems;
}
