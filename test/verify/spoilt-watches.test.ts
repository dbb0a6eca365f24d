import { createHash } from 'node:crypto';
import { cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SAMPLES_FOLDER } from '../helpers/workspace.js';
import { makeWatch } from '../library/watch-inputs.js';
import { openForTest, type SoundFolder, soundFolder, tamper, verify } from './sound-folder.js';

/** A watch for a clip, and an upload whose job is still to come. */
async function waitingFolder(): Promise<{ folder: SoundFolder; clip: string; upload: string }> {
  const folder = await soundFolder();
  const clip = join(folder.dataFolder.mediaFolder, 'clip');
  const upload = join(folder.dataFolder.mediaFolder, 'upload');
  cpSync(join(SAMPLES_FOLDER, 'classroom.mp4'), clip);
  writeFileSync(upload, 'whatever was sent');
  const library = await openForTest(folder);
  await makeWatch(library, { source: { kind: 'clip', path: clip, startSeconds: null, endSeconds: null } });
  await library.createJob({
    type: 'upload',
    path: upload,
    collection: 'default',
    title: 'A cat',
    label: null,
  });
  await library.close();
  return { folder, clip, upload };
}

const SPOILT = {
  'of a wrong length': 'UPDATE watch_embeddings SET features = substr(features, 1, length(features) - 4)',
  'not finite': "UPDATE watch_embeddings SET features = CAST(x'0000c07f' || substr(features, 5) AS BLOB)",
  'of another norm':
    "UPDATE watch_embeddings SET features = CAST(x'00002041' || substr(features, 5) AS BLOB)",
  'without a layout': 'UPDATE watch_embeddings SET layout_json = substr(layout_json, 3)',
  'of a layout that lacks something': `UPDATE watch_embeddings SET layout_json = replace(layout_json, 'weights', 'weighs')`,
  gone: 'DELETE FROM watch_embeddings',
};

describe('what waits in a data folder', () => {
  it('is sound as long as the clip is a video and the upload is there', async () => {
    const { folder } = await waitingFolder();
    expect(await verify(folder, { deep: true })).toMatchObject({ status: 'sound', problems: [] });
  });

  it.each<[string, (path: string) => void, string]>([
    ['is gone', (path) => rmSync(path), 'FILE_MISSING'],
    ['is empty', (path) => truncateSync(path, 0), 'FILE_CHANGED'],
    ['was overwritten', (path) => writeFileSync(path, 'x'.repeat(5000)), 'FILE_CHANGED'],
  ])('is told when the clip of a watch %s', async (_, spoil, code) => {
    const { folder, clip } = await waitingFolder();
    spoil(clip);
    const report = await verify(folder, { repair: true });
    expect(report).toMatchObject({ status: 'unrepairable', problems: [{ code, subject: clip }] });
    expect(report.problems[0]?.remedy).toContain('watches remove 1');
  });

  it('is told when the clip of a watch was cut, and with --deep when a bit of it was flipped', async () => {
    const { folder, clip } = await waitingFolder();
    const whole = readFileSync(clip);
    const content = `'$.sizeBytes', ${whole.length}, '$.contentHash', '${createHash('sha256').update(whole).digest('hex')}'`;
    tamper(folder, (d) => d.exec(`UPDATE watches SET source_json = json_set(source_json, ${content})`));
    expect(await verify(folder, { deep: true })).toMatchObject({ status: 'sound' });
    truncateSync(clip, whole.length - 100);
    expect((await verify(folder)).problems).toMatchObject([{ code: 'FILE_CHANGED', subject: clip }]);
    const at = whole.length - 50;
    whole[at] = (whole[at] as number) ^ 1;
    writeFileSync(clip, whole);
    expect(await verify(folder)).toMatchObject({ status: 'sound' });
    expect((await verify(folder, { deep: true })).problems).toMatchObject([{ code: 'FILE_ALTERED' }]);
    // Nobody could make them again of such a clip.
    tamper(folder, (database) => database.exec(SPOILT['of a wrong length']));
    expect((await verify(folder)).problems).toMatchObject([{ code: 'WATCH_INVALID', repair: null }]);
  });

  it('is told when the upload of a job is gone', async () => {
    const { folder, upload } = await waitingFolder();
    rmSync(upload);
    const report = await verify(folder);
    expect(report.problems).toMatchObject([{ code: 'FILE_MISSING', subject: upload, detail: /^job 1: / }]);
  });

  it.each(Object.entries(SPOILT))('has features of a watch %s, which a server makes anew', async (_, sql) => {
    const { folder, clip } = await waitingFolder();
    tamper(folder, (database) => database.exec(sql));
    const found = await verify(folder);
    expect(found.status).toBe('repairable');
    expect(found.problems).toMatchObject([{ code: 'WATCH_INVALID', subject: 'watch 1' }]);
    expect(await verify(folder, { repair: true })).toMatchObject({ status: 'repaired', remaining: [] });
    const library = await openForTest(folder);
    expect(await library.watches.active()).toMatchObject([{ id: 1, modelId: 'spoilt' }]);
    await library.close();
    // Of a clip that is gone they stay.
    tamper(folder, (database) => database.exec("UPDATE watch_embeddings SET model_id = 'm'"));
    rmSync(clip);
    const report = await verify(folder, { repair: true });
    expect(report.problems.map(({ code, repair }) => [code, repair])).toEqual([
      ['WATCH_INVALID', null],
      ['FILE_MISSING', null],
    ]);
  });
});
