// Holds the lock of the data folder given until it is killed or told to release.
import { dataFolderAt } from '../../../index/library/data-folder.js';
import { lockDataFolder } from '../../../index/library/folder-lock.js';

const lock = lockDataFolder(dataFolderAt(process.argv[2] as string));
process.send?.('held');
process.on('message', () => {
  lock.release();
  process.disconnect();
});
