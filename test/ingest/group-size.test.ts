import { expect, it } from 'vitest';
import { Admission } from '../../index/ingest/admission.js';
import { GroupSize, splitOffGroup } from '../../index/ingest/group-size.js';
import { defaultMediaLimits } from '../../index/media/limits.js';

const { signal } = new AbortController();
const small = (name: string) => ({ name, sizeBytes: 200_000, signal, limits: defaultMediaLimits });
const large = (name: string) => ({ name, sizeBytes: 50_000_000, signal, limits: defaultMediaLimits });
const names = (files: readonly { name: string }[]) => files.map(({ name }) => name).join('');

it('puts short files of one job together, and leaves some for the other processes', () => {
  const waiting = [
    small('a'),
    large('B'),
    small('c'),
    small('d'),
    { ...small('x'), signal: new AbortController().signal },
  ];
  expect(names(splitOffGroup(waiting, 8, 2))).toBe('ac');
  expect(names(waiting)).toBe('Bdx');
  expect(names(splitOffGroup(waiting, 8, 1))).toBe('B');
  expect(names(splitOffGroup(waiting, 8, 1))).toBe('d');
  expect(names(splitOffGroup([...'abcdefghijkl'].map(small), 8, 1))).toBe('abcdefgh');
  expect(splitOffGroup([], 8, 1)).toEqual([]);
});

it('makes groups smaller where they break, and larger again where they do not', () => {
  const size = new GroupSize();
  const limits = [false, false, false, false, true, true].map((wentWell) => {
    size.tell(wentWell);
    return size.limit;
  });
  expect(limits).toEqual([4, 2, 1, 1, 2, 3]);
  for (let i = 0; i < 20; i += 1) size.tell(true);
  expect(size.limit).toBe(8);
});

it('always admits some files, and more only while they are few bytes; in order', async () => {
  const admission = new Admission({ files: 2, maxFiles: 4, maxBytes: 100 });
  const inside: string[] = [];
  const leave = new Map<string, () => void>();
  for (const [name, sizeBytes] of Object.entries({ a: 1000, b: 1000, c: 10, d: 20, e: 30, f: 30, g: 30 })) {
    void admission.enter(sizeBytes).then((done) => {
      inside.push(name);
      leave.set(name, done);
    });
  }
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  await turn();
  expect(inside.join('')).toBe('ab');
  leave.get('a')?.();
  await turn();
  // b alone is more than the bytes that are taken early, but two files always are.
  expect(inside.join('')).toBe('abc');
  leave.get('b')?.();
  await turn();
  expect(inside.join('')).toBe('abcdef');
  leave.get('c')?.();
  await turn();
  expect(inside.join('')).toBe('abcdef');
  leave.get('d')?.();
  await turn();
  expect(inside.join('')).toBe('abcdefg');
});
