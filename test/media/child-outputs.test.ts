import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { FfmpegChild } from '../../index/media/child-process.js';

/** A shell in the place of ffmpeg, with outputs 1 and 2 on descriptors 3 and 4. */
function childOf(script: string, stallTimeoutMs: number): FfmpegChild {
  return new FfmpegChild({
    ffmpeg: { path: '/bin/sh' },
    args: ['-c', script],
    filePath: 'video.mp4',
    timeoutMs: null,
    stallTimeoutMs,
    extra: ['pipe', 'pipe'],
  });
}

async function readAll(child: FfmpegChild, output: number): Promise<string> {
  let text = '';
  for (let bytes = await child.read(output); bytes !== null; bytes = await child.read(output)) {
    text += bytes.toString('latin1');
  }
  return text;
}

describe.runIf(process.platform !== 'win32')('several outputs of one process', () => {
  test('each reader has what came from its own, and the end comes to all', async () => {
    const child = childOf('echo one >&3; echo two >&4; sleep 0.1; echo three >&3', 10_000);
    try {
      const texts = await Promise.all([readAll(child, 0), readAll(child, 1), readAll(child, 2)]);
      expect(texts).toEqual(['', 'one\nthree\n', 'two\n']);
      expect(await child.wait()).toEqual({ exitCode: 0, exitSignal: null });
    } finally {
      await child.stop();
    }
  });

  test('one of them is not late as long as another gives something', async () => {
    const child = childOf(
      'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do echo $i >&4; sleep 0.1; done; echo late >&3',
      1000,
    );
    try {
      const [late, all] = await Promise.all([readAll(child, 1), readAll(child, 2)]);
      expect(late).toBe('late\n');
      expect(all.trim().split('\n')).toHaveLength(16);
    } finally {
      await child.stop();
    }
  });

  test('one of them is not late while the process waits for a reader of another', async () => {
    const child = childOf('head -c 1000000 /dev/zero >&4; echo late >&3', 800);
    try {
      const late = readAll(child, 1);
      await sleep(2000);
      expect((await readAll(child, 2)).length).toBe(1_000_000);
      expect(await late).toBe('late\n');
    } finally {
      await child.stop();
    }
  });

  test('a reader that comes back after long is given the whole limit', async () => {
    const child = childOf('echo first >&3; sleep 2; echo second >&3', 1500);
    try {
      expect(String(await child.read(1))).toBe('first\n');
      await sleep(1300);
      expect(String(await child.read(1))).toBe('second\n');
    } finally {
      await child.stop();
    }
  });

  test('all who wait are told when nothing comes any more', async () => {
    const child = childOf('echo first >&3; exec sleep 30', 400);
    try {
      const startedAt = performance.now();
      const ends = await Promise.allSettled([readAll(child, 1), readAll(child, 2), child.wait()]);
      for (const end of ends) {
        expect(end).toMatchObject({ status: 'rejected', reason: { code: 'DECODE_TIMEOUT' } });
      }
      expect(performance.now() - startedAt).toBeGreaterThan(390);
    } finally {
      await child.stop();
    }
  });
});
