import { describe, expect, it } from 'vitest';
import { cleanClientName, titleOf } from '../../server/http/client-name.js';

describe('cleanClientName', () => {
  it.each([
    ['clip.mp4', 'clip.mp4'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\Videos\\Holiday 1.MOV', 'Holiday 1.MOV'],
    ['наш фильм.mkv', 'наш фильм.mkv'],
    ['a\r\nSet-Cookie: x.mp4', 'a Set-Cookie: x.mp4'],
    ['gpj\u202E4pm.exe', 'gpj 4pm.exe'],
    ['  -rf .mp4 ', '-rf .mp4'],
    ['', null],
    ['..', null],
    ['/', null],
    ['\u0000\u0007', null],
  ])('%j becomes %j', (name, clean) => {
    expect(cleanClientName(name)).toBe(clean);
  });

  it('keeps at most 200 characters, and no half of one', () => {
    expect(cleanClientName('🎬'.repeat(3000))).toBe('🎬'.repeat(200));
  });
});

describe('titleOf', () => {
  it.each([
    ['clip.mp4', 'clip'],
    ['archive.tar.gz', 'archive.tar'],
    ['no extension', 'no extension'],
    ['.mp4', '.mp4'],
    [null, 'Untitled'],
  ])('of %j is %j', (name, title) => {
    expect(titleOf(name)).toBe(title);
  });
});
