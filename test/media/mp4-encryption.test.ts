import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { refuseEncrypted } from '../../index/media/mp4-encryption.js';
import { temporaryFolder } from '../fixtures/videos.js';

const folder = temporaryFolder();

function box(type: string, ...bodies: Buffer[]): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(8 + bodies.reduce((sum, body) => sum + body.length, 0), 0);
  header.write(type, 4, 'latin1');
  return Buffer.concat([header, ...bodies]);
}

/** An MP4 whose first track has tables of so many bytes before its sample entry, and whose `moov` begins after `padding` bytes. */
function movie(entry: string, padding: number, tableBytes: number): string {
  const track = (type: string) =>
    box(
      'trak',
      box(
        'mdia',
        box(
          'minf',
          box(
            'stbl',
            box('stts', Buffer.alloc(tableBytes)),
            box('stsd', Buffer.alloc(8), box(type, Buffer.alloc(70))),
          ),
        ),
      ),
    );
  const file = join(folder.path, `${entry}-${padding}-${tableBytes}.mp4`);
  const parts = [
    box('ftyp', Buffer.from('isom')),
    box('free', Buffer.alloc(padding)),
    box('moov', track('avc1'), track(entry)),
  ];
  writeFileSync(file, Buffer.concat(parts));
  return file;
}

describe('an encrypted track', () => {
  test.each([0, 1, 4043, 4052, 4060, 4068, 4069, 4072, 4075, 4076, 100_000])(
    'is found wherever its boxes lie (%i bytes before them)',
    async (padding) => {
      for (const tableBytes of [0, 3900, 4095, 9000]) {
        await expect(refuseEncrypted(movie('encv', padding, tableBytes), ['mov'])).rejects.toMatchObject({
          code: 'VIDEO_ENCRYPTED',
        });
        await expect(refuseEncrypted(movie('hvc1', padding, tableBytes), ['mov'])).resolves.toBeUndefined();
      }
    },
  );
});
