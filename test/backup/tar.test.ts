import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseTarHeader, tarHeader, tarPadding } from '../../index/backup/tar.js';
import { temporaryFolder } from '../library/fixtures.js';

describe('a tar header', () => {
  it.each([
    ['library.sqlite', 0],
    ['media/0b8a9c1e-0000-4000-8000-000000000000', 1],
    [`vectors/${'x'.repeat(100)}`, 511],
    ['media/large', 8 ** 11 - 1],
    ['media/larger', 8 ** 11],
    ['media/largest', 2 ** 52],
  ])('of %s with %d bytes is read back', (name, sizeBytes) => {
    const header = tarHeader({ name, sizeBytes, modifiedSeconds: 1.5e9 }) as Buffer;
    expect(parseTarHeader(header)).toEqual({ name, sizeBytes });
    for (let bit = 0; bit < 512 * 8; bit += 13) {
      const altered = Buffer.from(header);
      altered.writeUInt8(altered.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      // What a flipped bit leaves unread says the same as before.
      expect([null, { name, sizeBytes }]).toContainEqual(parseTarHeader(altered));
    }
  });

  it('is not made for a name that does not fit, nor read from anything else', () => {
    expect(tarHeader({ name: `media/${'x'.repeat(101)}`, sizeBytes: 1, modifiedSeconds: 0 })).toBeNull();
    expect(parseTarHeader(Buffer.alloc(512))).toBeNull();
    expect(parseTarHeader(Buffer.alloc(512, 0xff))).toBeNull();
  });

  it('is understood by tar', () => {
    const file = join(temporaryFolder(), 'x.tar');
    const content = Buffer.from('content');
    const header = tarHeader({ name: 'media/a b', sizeBytes: 7, modifiedSeconds: 1e9 }) as Buffer;
    writeFileSync(file, Buffer.concat([header, content, Buffer.alloc(tarPadding(7)), Buffer.alloc(1024)]));
    expect(execFileSync('tar', ['-xOf', file, 'media/a b'], { encoding: 'utf8' })).toBe('content');
    expect(execFileSync('tar', ['-tvf', file], { encoding: 'utf8' })).toMatch(
      /7 2001-09-0\d \d\d:46 media\/a b/,
    );
  });
});
