import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ffmpeg } from '../fixtures/videos.js';
import { createWorkspace, PROJECT_ROOT } from '../helpers/workspace.js';

const workspace = createWorkspace();
const { data, archive } = workspace;
const COMMAND = path.join(PROJECT_ROOT, 'dist/index/cli.js');

beforeAll(async () => {
  await workspace.addSample('head-pose-face-detection-male.mp4');
  await workspace.addSample('fruit-and-vegetable-detection.mp4');
  await workspace.addSample('car-detection.mp4');
  await workspace.cli(['migrate']);
});
afterAll(() => workspace.remove());

/** A line for bash, in which `cliptrace` is the command. */
function bash(line: string): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const script = `cliptrace() { '${process.execPath}' '${COMMAND}' "$@"; }\n${line}`;
  return new Promise((resolve) => {
    execFile(
      'bash',
      ['-c', script],
      { env: { ...process.env, CLIPTRACE_DATA: data } },
      (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });
}

function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, [COMMAND, ...args], { env: { ...process.env, CLIPTRACE_DATA: data } });
}

/** Nobody reads any more what it says. */
function hangUp({ stdout, stderr }: ChildProcess): void {
  stdout?.destroy();
  stderr?.destroy();
}

async function latestJob(): Promise<{ status: string; wanted: string | null }> {
  const { stdout } = await workspace.cli(['jobs', '--limit', '1', '--json']);
  return JSON.parse(stdout).jobs[0];
}

describe('a command whose reader has gone', () => {
  it('cancels its job in order when Ctrl-C comes', async () => {
    // Ten minutes, too large to share a process: it is in work long after the first file has been told of.
    const folder = path.join(workspace.root, 'long');
    mkdirSync(folder);
    const noise = 'testsrc2=s=160x120:r=8:d=600,noise=alls=40:allf=t';
    await ffmpeg('-f', 'lavfi', '-i', noise, '-c:v', 'mpeg4', '-q:v', '8', path.join(folder, 'long.mp4'));
    copyFileSync(path.join(archive, 'car-detection.mp4'), path.join(folder, 'short.mp4'));
    const child = start('index', folder);
    await once(child.stderr as NodeJS.ReadableStream, 'data');
    hangUp(child);
    child.kill('SIGINT');
    const [code, signal] = await once(child, 'exit');
    expect([code, signal]).toEqual([1, null]);
    expect(await latestJob()).toMatchObject({ status: 'cancelled', wanted: null });
  });

  it('does its work to the end, with the exit code of the work', async () => {
    const { stdout } = await bash(`cliptrace index '${archive}' 2>&1 | head -1; echo "\${PIPESTATUS[0]}"`);
    expect(stdout.trimEnd().split('\n')).toHaveLength(2);
    expect(stdout.trimEnd().split('\n')[1]).toBe('0');
    expect(await latestJob()).toMatchObject({ status: 'done', progress: { filesFailed: 0 } });
    expect(readdirSync(path.join(data, 'tmp'))).toEqual([]);
    // Nobody reads at all.
    const { stdout: verified } = await bash(`cliptrace verify 2>&1 | true; echo "\${PIPESTATUS[0]}"`);
    expect(verified.trim()).toBe('0');
  });

  it('follows folders until it is stopped', async () => {
    const child = start('index', '--watch', '--settle', '1', archive);
    await once(child.stderr as NodeJS.ReadableStream, 'data');
    hangUp(child);
    const added = await workspace.addSample('face-demographics-walking.mp4', 'later.mp4');
    for (let found = false; !found; ) {
      await sleep(500);
      expect(child.exitCode).toBeNull();
      const { stdout } = await workspace.cli(['videos', '--query', 'later', '--json']);
      found = JSON.parse(stdout).videos.length === 1;
    }
    expect(added).toContain('later.mp4');
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});

describe('a full disk under the output', () => {
  it('is told in one line, and is no success', async () => {
    const { code, stderr } = await bash('cliptrace videos > /dev/full');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^The result cannot be written to the standard output: ENOSPC.*\n$/);
    expect(await bash('cliptrace videos --limit 0 > /dev/full')).toMatchObject({ code: 2 });
    expect(await bash('cliptrace videos 2> /dev/full')).toMatchObject({ code: 0 });
    expect(await bash('cliptrace show 999 2> /dev/full')).toMatchObject({ code: 1 });
  });

  it('does not end a server, which goes on without its log', async () => {
    const child = spawn(
      'bash',
      ['-c', 'exec "$0" "$1" serve --port 0 > /dev/full', process.execPath, COMMAND],
      { env: { ...process.env, CLIPTRACE_DATA: data }, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    for (let url: string | undefined; ; await sleep(100)) {
      expect(child.exitCode, said).toBeNull();
      url = /Cliptrace is at (\S+)/.exec(said)?.[1];
      if (url === undefined) continue;
      for (let asked = 0; asked < 3; asked += 1) expect((await fetch(`${url}/healthz`)).status).toBe(200);
      break;
    }
    child.kill('SIGTERM');
    expect(await once(child, 'exit'), said).toEqual([0, null]);
    expect(said.match(/The log cannot be written to the standard output: ENOSPC/g)).toHaveLength(1);
  });
});
