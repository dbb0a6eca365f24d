// Puts and removes videos, follows with the index and saves it, all the time, until it is killed.
import { dataFolderAt } from '../../../index/library/data-folder.js';
import { openLibrary } from '../../../index/library/sqlite-library.js';
import { openSegmentIndex } from '../../../index/vectors/index-follower.js';
import { MODEL, putVideo, registerModel, segmentBatch } from '../library-inputs.js';

const dataFolder = dataFolderAt(process.argv[2] as string);
const library = await openLibrary({ dataFolder, mode: 'write' });
await registerModel(library, MODEL);
const folder = dataFolder.vectorsFolder;
const { index } = await openSegmentIndex({ library, model: MODEL, folder, writable: true });
for (let name = Number(process.argv[3]); ; name += 1) {
  const video = await putVideo(library, name, { segments: segmentBatch(40, name) });
  if (name % 3 === 0) await library.removeVideo(video.id);
  await index.catchUp();
  await index.saveSnapshot();
  process.send?.({ saved: name });
}
