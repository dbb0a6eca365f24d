import { afterEach, beforeEach, expect, it } from 'vitest';
import { openDatabase } from '../../index/library/database.js';
import { verifyDataFolder } from '../../index/verify/verify.js';
import { createWorkspace, indexInto, type Workspace } from '../helpers/workspace.js';
import { until } from '../server/tools/http.js';
import { samplePath } from '../server/tools/live-server.js';
import { blobOf, serving } from '../webhooks/live-watches.js';

let workspace: Workspace;

beforeEach(() => {
  workspace = createWorkspace();
});

afterEach(() => workspace.remove());

it('features of watches that the disk has spoilt are made anew from clip and video after a repair', async () => {
  const source = await workspace.addSample('worker-zone-detection.mp4');
  const before = await workspace.open();
  const { dataFolder } = before;
  const modelId = before.encoder.manifest.id;
  await indexInto(before, [source]);
  await serving(before, async (client) => {
    await client.createWatch(await blobOf(samplePath('classroom')), { url: 'http://127.0.0.1:9/clip' });
    await client.createWatchByVideo({ videoId: 1, url: 'http://127.0.0.1:9/video' });
  });
  const check = (repair: boolean) => verifyDataFolder({ dataFolder, modelId, deep: true, repair });
  expect(await check(false)).toMatchObject({ status: 'sound', problems: [] });

  const database = openDatabase(dataFolder.databaseFile, { readonly: false });
  const read = () =>
    database.prepare('SELECT features FROM watch_embeddings ORDER BY watch_id').pluck().all() as Buffer[];
  const features = read();
  const clip = database.prepare("SELECT source_json FROM watches WHERE source_json ->> '$.kind' = 'clip'");
  expect(JSON.parse(clip.pluck().get() as string)).toMatchObject({
    sizeBytes: expect.any(Number),
    contentHash: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  database.exec("UPDATE watch_embeddings SET features = CAST(x'0000c07f' || substr(features, 5) AS BLOB)");
  database.close();
  expect((await check(true)).status).toBe('repaired');

  await serving(await workspace.open(), async (client) => {
    await until('both are made anew', async () => {
      const { watches } = await client.listWatches();
      return watches.every((watch) => watch.status === 'active' && watch.modelId === modelId);
    });
  });
  const library = openDatabase(dataFolder.databaseFile, { readonly: true });
  expect(library.prepare('SELECT features FROM watch_embeddings ORDER BY watch_id').pluck().all()).toEqual(
    features,
  );
  library.close();
  expect(await check(false)).toMatchObject({ status: 'sound', problems: [] });
});
