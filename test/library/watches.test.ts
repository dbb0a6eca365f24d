import { statSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { openLibrary, type SqliteLibrary } from '../../index/library/sqlite-library.js';
import {
  MODEL,
  putVideo,
  registerModel,
  segmentBatch,
  temporaryDataFolder,
  temporaryLibrary,
} from './fixtures.js';
import { embedding, makeWatch } from './watch-inputs.js';

const OTHER = { id: 'test-model-00000002', dimension: 8, timesteps: 2 } as const;

function match(watchId: number, videoId: number, contentHash: string) {
  const messageId = `msg_${watchId}_${videoId}_${contentHash}_${Math.random()}`;
  return { watchId, messageId, type: 'watch.matched' as const, videoId, contentHash, body: '{}' };
}

const arrivals = ({ watches }: SqliteLibrary, after = 0) => watches.arrivalsAfter(after, 100, MODEL.id);

describe('what arrives', () => {
  it('is noted with the video when someone watches, once for each content', async () => {
    const { library } = await temporaryLibrary();
    await putVideo(library, 1);
    expect(await arrivals(library)).toEqual([]);
    const watch = await makeWatch(library);
    const video = await putVideo(library, 2);
    await putVideo(library, 2, { path: '/archive/copy.mp4' });
    expect(await arrivals(library, watch.matchedThrough)).toMatchObject([
      { videoId: video.id, contentHash: 'hash-2', collection: 'default' },
    ]);
    const other = await putVideo(library, 4);
    await putVideo(library, 3, { path: '/archive/4.mp4', replaceVideoId: other.id });
    expect(await arrivals(library)).toMatchObject([
      { videoId: video.id, contentHash: 'hash-2' },
      { videoId: other.id, contentHash: 'hash-3' },
    ]);
    for (const { id } of [video, other]) await library.removeVideo(id);
    expect(await arrivals(library)).toEqual([]);
  });

  it('is none for content that another model embeds anew, but for what waited for that model', async () => {
    const { library } = await temporaryLibrary();
    await registerModel(library, OTHER);
    const known = await putVideo(library, 1);
    await makeWatch(library);
    const waiting = await putVideo(library, 2, { modelId: OTHER.id, segments: segmentBatch(3, 2, OTHER) });
    expect(await arrivals(library)).toEqual([]);
    expect(await library.watches.arrivalsAfter(0, 10, OTHER.id)).toHaveLength(1);
    const last = await library.watches.lastArrival();
    // Who was told of all up to here has not been told of it.
    await library.watches.advance([1], last, MODEL.id);
    await putVideo(library, 2);
    await putVideo(library, 1, { modelId: OTHER.id, segments: segmentBatch(3, 1, OTHER) });
    expect(await library.watches.arrivalsAfter(0, 10, OTHER.id)).toEqual([]);
    expect(await arrivals(library, last)).toMatchObject([{ videoId: waiting.id }]);
    expect(known.id).not.toBe(waiting.id);
  });

  it('is forgotten when every active watch has been compared with it', async () => {
    const { library } = await temporaryLibrary();
    const { watches } = library;
    const [one, two] = [await makeWatch(library), await makeWatch(library)];
    for (let name = 1; name <= 3; name += 1) await putVideo(library, name);
    await watches.advance([one.id], 3, MODEL.id);
    expect(await arrivals(library)).toHaveLength(3);
    await watches.advance([two.id], 2, MODEL.id);
    expect((await arrivals(library)).map(({ sequence }) => sequence)).toEqual([3]);
    // A watch never goes back.
    await watches.advance([one.id], 1, MODEL.id);
    expect((await watches.get(one.id))?.matchedThrough).toBe(3);
    await watches.update(two.id, { status: 'paused' });
    await watches.advance([one.id], 3, MODEL.id);
    expect(await arrivals(library)).toEqual([]);
    // What came while it was paused is not for it.
    await putVideo(library, 4);
    expect((await watches.update(two.id, { status: 'active' }))?.matchedThrough).toBe(4);
  });
});

describe('a match', () => {
  it('is written once for each watch, video and content, and moves the watch on', async () => {
    const { library } = await temporaryLibrary();
    const { watches } = library;
    const { id } = await makeWatch(library);
    const video = await putVideo(library, 1);
    expect(await watches.recordMatch(1, match(id, video.id, 'hash-1'))).toBe(true);
    expect((await watches.get(id))?.matchedThrough).toBe(1);
    expect(await watches.recordMatch(1, match(id, video.id, 'hash-1'))).toBe(false);
    expect(await watches.recordMatch(2, match(id, video.id, 'hash-1'))).toBe(false);
    expect(await watches.recordMatch(3, match(id, video.id, 'hash-2'))).toBe(true);
    expect((await watches.listDeliveries({ watchId: id, limit: 10 })).items).toHaveLength(2);
    await watches.update(id, { status: 'paused' });
    expect(await watches.recordMatch(4, match(id, video.id, 'hash-3'))).toBe(false);
    await watches.remove(id);
    expect(await watches.recordMatch(5, match(id, video.id, 'hash-4'))).toBe(false);
    expect(await watches.pendingDeliveries()).toBe(0);
  });

  it('is due in order, a few of each watch, and is forgotten some time after its end', async () => {
    const { library } = await temporaryLibrary();
    const { watches } = library;
    const [one, two] = [await makeWatch(library), await makeWatch(library)];
    for (let i = 1; i <= 6; i += 1) await watches.createDelivery(match(one.id, i, 'x'));
    await watches.createDelivery(match(two.id, 1, 'x'));
    const due = async () => (await watches.dueDeliveries(Date.now(), 4)).map(({ id }) => id);
    expect((await due()).sort()).toEqual([1, 2, 3, 4, 7]);
    const attempt = { startedAt: new Date().toISOString(), durationMs: 5, responseStatus: 204, error: null };
    await watches.recordAttempt(1, attempt, { status: 'succeeded' });
    await watches.recordAttempt(2, attempt, { status: 'pending', nextAttemptMs: Date.now() + 60_000 });
    expect((await due()).sort()).toEqual([3, 4, 5, 6, 7]);
    await watches.recordAttempt(3, attempt, { status: 'failed', disableWatch: 'WEBHOOK_GONE' });
    expect(await watches.get(one.id)).toMatchObject({ status: 'disabled', statusCode: 'WEBHOOK_GONE' });
    expect(await due()).toEqual([7]);
    expect(await watches.forgetDeliveries('2020-01-01T00:00:00.000Z')).toBe(0);
    expect(await watches.forgetDeliveries(new Date(Date.now() + 1000).toISOString())).toBe(2);
    expect(await watches.pendingDeliveries(one.id)).toBe(4);
    // A receiver may have been removed with its watch while it was asked.
    await watches.remove(two.id);
    await watches.recordAttempt(7, attempt, { status: 'succeeded' });
    expect(await watches.getDelivery(7)).toBeNull();
  });
});

describe('a watch', () => {
  it('gives its clip back as it was put, to the last bit', async () => {
    const { library } = await temporaryLibrary();
    const { id } = await makeWatch(library);
    expect(await library.watches.embeddingOf(id)).toEqual(embedding());
    await library.watches.putEmbedding(id, { ...embedding(1, 7), modelId: OTHER.id });
    expect(await library.watches.embeddingOf(id)).toEqual({ ...embedding(1, 7), modelId: OTHER.id });
    expect((await library.watches.get(id))?.modelId).toBe(OTHER.id);
  });

  it('keeps the path of its clip relative to the data folder', async () => {
    const dataFolder = await temporaryDataFolder();
    const { library } = await temporaryLibrary(dataFolder);
    const path = `${dataFolder.mediaFolder}/clip`;
    const source = { kind: 'clip', path, startSeconds: 1, endSeconds: null } as const;
    const { id } = await makeWatch(library, { source });
    expect((await library.watches.get(id))?.source).toEqual(source);
    expect(await library.watches.clipPaths()).toEqual([path]);
  });

  it('is one of a bounded number', async () => {
    const { library } = await temporaryLibrary();
    await makeWatch(library, {}, 1);
    await expect(makeWatch(library, {}, 1)).rejects.toMatchObject({ code: 'TOO_MANY_WATCHES' });
    expect(await library.watches.countByStatus()).toEqual({ active: 1, paused: 0, disabled: 0 });
  });
});

describe('the library file', () => {
  it('is not for other users of the machine, also when it was before', async () => {
    const dataFolder = await temporaryDataFolder();
    const { library } = await temporaryLibrary(dataFolder);
    await makeWatch(library);
    const file = dataFolder.databaseFile;
    for (const path of [file, `${file}-wal`]) expect(statSync(path).mode & 0o777).toBe(0o600);
    await library.close();
    await chmod(file, 0o664);
    await writeFile(`${file}-other`, '');
    await (await openLibrary({ dataFolder, mode: 'write' })).close();
    expect(statSync(file).mode & 0o777).toBe(0o660);
  });
});
