import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTimeLimits } from '../../index/time-limits.js';
import { wrapFfmpeg } from '../helpers/ffmpeg-wrapper.js';
import { createWorkspace } from '../helpers/workspace.js';

const workspace = createWorkspace();
/** Process ids of everything that a hanging ffmpeg started, itself included. */
const pidFile = path.join(workspace.root, 'pids');
let ffmpeg: string;

beforeAll(async () => {
  for (const name of ['hangs-in-probe.mp4', 'hangs-midway.mp4', 'trickles.mp4', 'sound.mp4']) {
    await workspace.addSample('head-pose-face-detection-male.mp4', name);
    // Contents of their own.
    execFileSync('sh', ['-c', `printf %s '${name}' >> '${path.join(workspace.archive, name)}'`]);
  }
  const hang = `sleep 1000 & echo $! $$ >> '${pidFile}'; sleep 1000`;
  ffmpeg = await wrapFfmpeg(
    path.join(workspace.root, 'ffmpeg'),
    `case "$all" in
      *hangs-in-probe.mp4*) ${hang} ;;
      *hangs-midway.mp4*rawvideo*) head -c 200000 /dev/zero; ${hang} ;;
      *trickles.mp4*rawvideo*) echo $$ >> '${pidFile}'; while :; do printf x; sleep 0.2; done ;;
    esac`,
  );
});
afterAll(() => workspace.remove());

const isAlive = (pid: number) => {
  try {
    return /^State:\s+[^Z]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

describe.runIf(process.platform === 'linux')('a file on which ffmpeg hangs', () => {
  it('is given up after its time limit and named, with all that ffmpeg started; the others are indexed', async () => {
    const flags = ['--stall-timeout', '3', '--file-timeout', '8', '--json'];
    const { code, stdout } = await workspace.cli(['index', workspace.archive, ...flags], {
      env: { FFMPEG_PATH: ffmpeg, CLIPTRACE_CONFINE: 'off' },
    });
    expect(code).toBe(3);
    const { files, failuresByCode } = JSON.parse(stdout) as {
      files: { path: string; outcome: string; code: string | null; message: string | null }[];
      failuresByCode: Record<string, number>;
    };
    const told = Object.fromEntries(files.map((file) => [path.basename(file.path), file]));
    expect(told['sound.mp4']?.outcome).toBe('indexed');
    for (const [name, limit] of [
      ['hangs-in-probe.mp4', '3000 ms'],
      ['hangs-midway.mp4', '3000 ms'],
      ['trickles.mp4', '8000 ms'],
    ] as const) {
      expect(told[name]).toMatchObject({ outcome: 'failed', code: 'DECODE_TIMEOUT' });
      expect(told[name]?.message).toContain(name);
      expect(told[name]?.message).toContain(limit);
    }
    expect(failuresByCode).toEqual({ DECODE_TIMEOUT: 3 });
    const pids = readFileSync(pidFile, 'utf8').trim().split(/\s+/).map(Number);
    // Files that are decoded together are tried once more alone.
    expect(pids.length).toBeGreaterThanOrEqual(5);
    expect(pids.filter(isAlive)).toEqual([]);
  });
});

describe('the time limits', () => {
  it('come from flags, then from variables; without either, only a standstill ends a file', () => {
    const env = { CLIPTRACE_FILE_TIMEOUT_SECONDS: '90', CLIPTRACE_STALL_TIMEOUT_SECONDS: '1.5' };
    expect(readTimeLimits({})).toMatchObject({ fileTimeoutMs: null, stallTimeoutMs: 60_000 });
    expect(readTimeLimits(env)).toMatchObject({ fileTimeoutMs: 90_000, stallTimeoutMs: 1500 });
    expect(readTimeLimits(env, { fileTimeout: '5', stallTimeout: '2' })).toMatchObject({
      fileTimeoutMs: 5000,
      stallTimeoutMs: 2000,
    });
  });

  it.each(['0', '-1', 'soon', ' ', '1e9'])('are refused by name when one is %j', (text) => {
    expect(() => readTimeLimits({ CLIPTRACE_STALL_TIMEOUT_SECONDS: text })).toThrowError(
      expect.objectContaining({
        code: 'CONFIGURATION_INVALID',
        message: expect.stringContaining('CLIPTRACE_STALL_TIMEOUT_SECONDS'),
      }),
    );
    expect(() => readTimeLimits({}, { fileTimeout: text })).toThrowError(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining('--file-timeout') }),
    );
  });
});
