import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { contentHash } from '../../index/ingest/content-hash.js';
import { temporaryFolder } from '../fixtures/videos.js';

const folder = temporaryFolder();
const CHUNK_BYTES = 256 * 1024;

function fileOf(bytes: number): string {
  const file = join(folder.path, `${bytes}.bin`);
  writeFileSync(file, Buffer.from(Uint8Array.from({ length: bytes }, (_, i) => (i * 7 + (i >> 8)) % 251)));
  return file;
}

test('is the SHA-256 of all bytes, also of several files side by side', async () => {
  const files = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 5].map(fileOf);
  const expected = files.map((file) => createHash('sha256').update(readFileSync(file)).digest('hex'));
  // Twice: the second time in memory that was used before.
  for (let round = 0; round < 2; round += 1) {
    expect(await Promise.all(files.map((file) => contentHash(file)))).toEqual(expected);
  }
});

test('tells of a file that is not there, and of a signal', async () => {
  await expect(contentHash(join(folder.path, 'none'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  await expect(contentHash(fileOf(10), AbortSignal.abort())).rejects.toMatchObject({ code: 'CANCELLED' });
});
