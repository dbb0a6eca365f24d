// Puts and removes videos as fast as it can, and tells the parent of each video that is finished, until it is killed.
import { dataFolderAt } from '../../../index/library/data-folder.js';
import { openLibrary } from '../../../index/library/sqlite-library.js';
import { MODEL, putVideo, registerModel, segmentBatch } from '../library-inputs.js';

const library = await openLibrary({ dataFolder: dataFolderAt(process.argv[2] as string), mode: 'write' });
await registerModel(library, MODEL);
for (let name = Number(process.argv[3]); ; name += 1) {
  const video = await putVideo(library, name, { segments: segmentBatch(150, name) });
  process.send?.({ finished: name, id: video.id });
  if (name % 4 === 3) {
    process.send?.({ removing: name });
    await library.removeVideo(video.id);
    process.send?.({ removed: name });
  }
  // Messages leave between two turns.
  await new Promise((resolve) => setImmediate(resolve));
}
