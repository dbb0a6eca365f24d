import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { decodeClips } from '../../index/media/decode.js';
import { probeVideo } from '../../index/media/probe.js';
import { writeThumbnail } from '../../index/media/thumbnail.js';
import type { FfmpegProgram } from '../../index/media/types.js';
import {
  decodeAll,
  ffmpegProgram,
  limits,
  makeVideo,
  preprocessing,
  temporaryFolder,
} from '../fixtures/videos.js';

const folder = temporaryFolder();
const onLinux = process.platform === 'linux';
let longVideo: string;

beforeAll(async () => {
  // 25 minutes, tiny: enough output that ffmpeg has to wait for its reader.
  longVideo = await makeVideo(join(folder.path, 'long.avi'), {
    durationSeconds: 1500,
    size: '32x32',
    framesPerSecond: 8,
    args: ['-c:v', 'mpeg4', '-q:v', '10'],
  });
});

/** A program that stands in for an ffmpeg that misbehaves: a shell script, started the same way. */
async function misbehaving(name: string, script: string): Promise<FfmpegProgram> {
  const path = join(folder.path, name);
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return { path, source: 'FFMPEG_PATH', version: 'test', warning: null };
}

/** Processes below this one whose command line holds the text. */
function processesWith(text: string): number[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,stat=,args='], { encoding: 'utf8' }).split('\n');
  return lines
    .filter((line) => line.includes(text) && !/^\s*\d+\s+Z/.test(line))
    .map((line) => Number.parseInt(line, 10));
}

function processesOfGroup(group: number): number[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,pgid='], { encoding: 'utf8' }).trim().split('\n');
  return lines
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([pid, pgid]) => (pgid === group && pid !== undefined ? [pid] : []));
}

async function gone(pids: number[], withinMs = 10_000): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  while (Date.now() < deadline) {
    if (pids.every((pid) => !isAlive(pid))) return true;
    await sleep(50);
  }
  return false;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // A zombie whose parent is not us counts as ended.
  const status = `/proc/${pid}/status`;
  return !(existsSync(status) && /^State:\s+Z/m.test(readFileSync(status, 'utf8')));
}

describe('the decoding process', () => {
  const decodeLong = async (signal?: AbortSignal) =>
    decodeClips({
      ffmpeg: await ffmpegProgram(),
      filePath: longVideo,
      preprocessing,
      hopSeconds: 1,
      limits,
      signal,
    });

  test.runIf(onLinux)('is gone once the consumer leaves', async () => {
    const clips = await decodeLong();
    await clips.next();
    const pids = processesWith(longVideo);
    expect(pids.length).toBeGreaterThan(0);
    await clips.return({ frameCount: 0, durationSeconds: 0, damaged: false });
    // Reaped by the time that return resolves, not soon after.
    expect(pids.filter(isAlive)).toEqual([]);
  });

  test.runIf(onLinux)('is killed at once by an abort, even while nobody reads', async () => {
    const controller = new AbortController();
    const clips = await decodeLong(controller.signal);
    await clips.next();
    const pids = processesWith(longVideo);
    expect(pids.length).toBeGreaterThan(0);
    controller.abort(new Error('enough'));
    expect(await gone(pids, 2_000)).toBe(true);
    await expect(async () => {
      for await (const _ of clips);
    }).rejects.toMatchObject({ code: 'CANCELLED', cause: expect.objectContaining({ message: 'enough' }) });
  });

  test('does not start for a signal that was aborted before', async () => {
    await expect((await decodeLong(AbortSignal.abort())).next()).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test.runIf(onLinux)('ends when its parent is killed', async () => {
    const script = fileURLToPath(new URL('./decode-and-wait.ts', import.meta.url));
    const parent = spawn(process.execPath, ['--import', 'tsx', script, longVideo], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const [line] = await once(createInterface(parent.stdout), 'line');
      expect(line).toBe('first clip');
      const pids = processesWith(longVideo).filter((pid) => pid !== parent.pid);
      expect(pids.length).toBeGreaterThan(0);
      parent.kill('SIGKILL');
      expect(await gone(pids)).toBe(true);
    } finally {
      parent.kill('SIGKILL');
    }
  });

  test.runIf(onLinux).each(['alone', 'with its group'])(
    'ends, though it hangs and writes nothing, when its parent is killed %s',
    async (how) => {
      // With a child of its own, which must not stay either.
      const program = await misbehaving('hangs', 'sleep "$1"\ntrue');
      const script = fileURLToPath(new URL('./hang-and-wait.ts', import.meta.url));
      const parent = spawn(process.execPath, ['--import', 'tsx', script, program.path], {
        stdio: ['ignore', 'pipe', 'inherit'],
        detached: true,
      });
      const [line] = await once(createInterface(parent.stdout), 'line');
      const group = Number(line);
      const pids = () => processesOfGroup(group);
      expect(pids().length).toBe(2);
      const parentPid = parent.pid as number;
      process.kill(how === 'alone' ? parentPid : -parentPid, 'SIGKILL');
      expect(await gone(pids(), 5000)).toBe(true);
    },
  );

  test('waits for its reader and keeps memory bounded on a long file', async () => {
    const big = { ...preprocessing, width: 96, height: 96 };
    const clips = decodeClips({
      ffmpeg: await ffmpegProgram(),
      filePath: longVideo,
      preprocessing: big,
      hopSeconds: 1,
      limits,
    });
    await clips.next();
    const before = process.memoryUsage();
    await sleep(700);
    // While the consumer was busy, nothing was read ahead.
    expect(process.memoryUsage().arrayBuffers - before.arrayBuffers).toBeLessThan(4_000_000);
    let count = 1;
    let peakBytes = 0;
    for (let next = await clips.next(); !next.done; next = await clips.next()) {
      count += 1;
      if (count % 50 === 0) peakBytes = Math.max(peakBytes, process.memoryUsage().rss - before.rss);
    }
    // 1,499 clips of 442 kB each passed through: 663 MB.
    expect(count).toBe(1499);
    expect(peakBytes).toBeLessThan(200_000_000);
  });

  test.runIf(onLinux)('is stopped when it stalls, with everything that it started', async () => {
    const marker = '86397';
    const ffmpeg = await misbehaving('stalls', `printf x; sleep ${marker} & sleep ${marker}`);
    const startedAt = Date.now();
    const stalls = { ...limits, stallTimeoutMs: 400 };
    await expect(decodeAll(longVideo, { ffmpeg, limits: stalls })).rejects.toMatchObject({
      code: 'DECODE_TIMEOUT',
      message: expect.stringContaining('400 ms'),
    });
    expect(Date.now() - startedAt).toBeLessThan(20_000);
    expect(processesWith(`sleep ${marker}`)).toEqual([]);
  });

  test('a slow consumer is no stall', async () => {
    const ffmpeg = await ffmpegProgram();
    const impatient = { ...limits, stallTimeoutMs: 5_000 };
    const clips = decodeClips({
      ffmpeg,
      filePath: longVideo,
      preprocessing,
      hopSeconds: 1,
      limits: impatient,
    });
    await clips.next();
    await sleep(5_500);
    expect(await clips.next()).toMatchObject({ done: false });
    await clips.return({ frameCount: 0, durationSeconds: 0, damaged: false });
  });

  test('is stopped when it takes longer than allowed, although it gives output', async () => {
    const ffmpeg = await misbehaving('trickles', 'while :; do printf x; sleep 0.05; done');
    const hurried = { ...limits, timeoutMs: 500 };
    for (const attempt of [
      () => decodeAll(longVideo, { ffmpeg, limits: hurried }),
      () => probeVideo({ ffmpeg, filePath: longVideo, limits: hurried }),
      () =>
        writeThumbnail({
          ffmpeg,
          filePath: longVideo,
          atSeconds: 0,
          widthPixels: 64,
          outPath: join(folder.path, 'never.jpg'),
          limits: hurried,
        }),
    ]) {
      await expect(attempt()).rejects.toMatchObject({
        code: 'DECODE_TIMEOUT',
        message: expect.stringContaining('500 ms'),
      });
    }
    expect(existsSync(join(folder.path, 'never.jpg'))).toBe(false);
  });

  test('a program that ends by a signal, after frames, leaves a damaged video', async () => {
    const frameBytes = preprocessing.width * preprocessing.height * 3;
    const ffmpeg = await misbehaving('crashes', `head -c ${frameBytes * 20} /dev/zero; kill -SEGV $$`);
    const { summary } = await decodeAll(longVideo, { ffmpeg });
    expect(summary).toEqual({ frameCount: 20, durationSeconds: 2.5, damaged: true });
  });

  test('a program that ends by a signal, before any frame, is an error that tells so', async () => {
    const ffmpeg = await misbehaving('crashes-early', 'echo "it hurts" >&2; kill -SEGV $$');
    await expect(decodeAll(longVideo, { ffmpeg })).rejects.toMatchObject({
      code: 'DECODE_FAILED',
      message: expect.stringMatching(/SIGSEGV.*it hurts/),
    });
  });

  test('a program that cannot be started is an error that names it', async () => {
    const path = join(folder.path, 'nothing-here');
    const ffmpeg: FfmpegProgram = { path, source: 'PATH', version: '', warning: null };
    await expect(decodeAll(longVideo, { ffmpeg })).rejects.toMatchObject({
      code: 'FFMPEG_NOT_USABLE',
      message: expect.stringContaining(path),
    });
  });

  test('what it says on stderr is bounded', async () => {
    const ffmpeg = await misbehaving(
      'chatters',
      'yes "an error line of some length" | head -c 20000000 >&2; exit 1',
    );
    const error: Error = await decodeAll(longVideo, { ffmpeg }).then(
      () => new Error('it succeeded'),
      (reason: Error) => reason,
    );
    expect(error).toMatchObject({ code: 'DECODE_FAILED' });
    expect(error.message.length).toBeLessThan(1_000);
  });
});
