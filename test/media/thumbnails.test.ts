import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { PictureFile } from '../../index/ingest/picture-file.js';
import type { Video } from '../../index/library/types.js';
import { Thumbnails } from '../../index/thumbnails.js';
import { ffmpegProgram, limits, makeVideo, temporaryFolder } from '../fixtures/videos.js';

const folder = temporaryFolder();
let pictures: string;
let thumbnails: Thumbnails;
let mediaPath: string;

/** As much of it as pictures need. */
function videoOf(id: number): Video {
  return { id, contentHash: 'ab'.repeat(32), durationSeconds: 4 } as Video;
}

function picturesOf({ id }: Video): string[] {
  return readdirSync(pictures).filter((name) => name.startsWith(`${id}-`));
}

beforeAll(async () => {
  pictures = join(folder.path, 'thumbnails');
  mediaPath = await makeVideo(join(folder.path, 'video.mp4'), { durationSeconds: 4 });
  thumbnails = new Thumbnails({ folder: pictures, ffmpeg: await ffmpegProgram(), limits });
});

/** A library that the video is taken from. */
function libraryOf() {
  let isThere = true;
  return {
    remove: async () => {
      isThere = false;
    },
    source: { mediaPath: async () => mediaPath, isKept: async () => isThere },
  };
}

test('a picture that is asked for while its video is removed is not left behind', async () => {
  const video = videoOf(7);
  const { source, remove } = libraryOf();
  await thumbnails.get(video, source, 0.5);
  expect(picturesOf(video)).toHaveLength(1);
  const asked: Promise<unknown>[] = [];
  await thumbnails.removeAround(video, async () => {
    // Asked for after the first removal of pictures, and made before, while and after the video goes.
    asked.push(...[1, 1, 2, 3].map((atSeconds) => thumbnails.get(video, source, atSeconds)));
    await asked[0];
    await remove();
  });
  asked.push(...[1.5, 2.5].map((atSeconds) => thumbnails.get(video, source, atSeconds)));
  const ends = await Promise.allSettled(asked);
  expect(ends[0]?.status).toBe('fulfilled');
  for (const end of ends.slice(-2)) {
    expect(end).toMatchObject({ status: 'rejected', reason: { code: 'VIDEO_NOT_FOUND' } });
  }
  expect(picturesOf(video)).toEqual([]);
});

test('pictures of another content of the same video stay', async () => {
  const video = videoOf(8);
  const { source } = libraryOf();
  const replaced = { ...video, contentHash: 'cd'.repeat(32) };
  await thumbnails.get(video, source, 1);
  await thumbnails.removeAround(replaced, async () => undefined);
  expect(picturesOf(video)).toEqual([`8-${'ab'.repeat(8)}-2.jpg`]);
});

test('those of a long video, which are looked up, go as well, and no others', async () => {
  const video = { ...videoOf(9), durationSeconds: 86_400 };
  const other = '9-cdcdcdcdcdcdcdcd-2.jpg';
  const ofVideo = ['.strip', '-0.jpg', '-172800.jpg'].map((end) => `9-${'ab'.repeat(8)}${end}`);
  mkdirSync(pictures, { recursive: true });
  for (const name of [other, ...ofVideo]) writeFileSync(join(pictures, name), 'picture');
  await thumbnails.remove(video);
  expect(picturesOf(video)).toEqual([other]);
});

test('a temporary file that cannot be removed is left to the next start, and is no error', async () => {
  const temporary = join(folder.path, 'tmp');
  mkdirSync(temporary);
  const file = await PictureFile.create(temporary);
  rmSync(temporary, { recursive: true });
  writeFileSync(temporary, 'no folder any more');
  await file.discard();
  await file.discard();
});
