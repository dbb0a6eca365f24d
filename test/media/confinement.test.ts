import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FfmpegChild } from '../../index/media/child-process.js';
import { cutClip } from '../../index/media/clip-cutter.js';
import {
  type Confinement,
  confinedCommand,
  forWriting,
  NO_CONFINEMENT,
} from '../../index/media/confinement.js';
import { findConfinement } from '../../index/media/find-confinement.js';
import { decodeAll, ffmpegProgram, limits, makeVideo, temporaryFolder } from '../fixtures/videos.js';

const folder = temporaryFolder();
const found: Confinement = await findConfinement((await ffmpegProgram()).path);
const isRoot = process.getuid?.() === 0;

/** What a shell script prints that runs where ffmpeg would. */
async function runScript(
  script: string,
  options: {
    confinement?: Confinement;
    cpuSeconds?: number;
    memoryBytes?: number;
    filePath?: string;
    writesFile?: boolean;
  } = {},
): Promise<string> {
  const child = new FfmpegChild({
    ffmpeg: { path: '/bin/sh', confinement: options.confinement ?? found },
    args: ['-c', script],
    filePath: options.filePath ?? join(folder.path, 'any.mp4'),
    timeoutMs: 60_000,
    stallTimeoutMs: 60_000,
    cpuSeconds: options.cpuSeconds ?? null,
    memoryBytes: options.memoryBytes ?? null,
    writesFile: options.writesFile,
  });
  try {
    let text = '';
    for (let bytes = await child.read(); bytes !== null; bytes = await child.read()) text += bytes.toString();
    await child.wait();
    return text + child.stderr.text();
  } finally {
    await child.stop();
  }
}

describe.runIf(found.limits)('limits of the system', () => {
  test('stop a child that takes too much processor time, and say so', async () => {
    await expect(runScript('while :; do :; done', { cpuSeconds: 1 })).rejects.toMatchObject({
      code: 'DECODE_TIMEOUT',
      message: expect.stringContaining('1 s of processor time'),
    });
  });

  test('let it write to its pipes and to no file', async () => {
    const path = join(folder.path, 'written');
    await chmod(folder.path, 0o777);
    const text = await runScript(`echo to a pipe; echo to a file > '${path}'; wc -c < '${path}'`);
    expect(text).toContain('to a pipe');
    expect(text).not.toMatch(/^\s*[1-9]\d*\s*$/m);
  });

  test('refuse more memory than allowed: the decode fails with a code, and an honest one fits', async () => {
    const path = await makeVideo(join(folder.path, 'large.mp4'), { size: '4096x2160', durationSeconds: 0.2 });
    const confined = { ffmpeg: { ...(await ffmpegProgram()), confinement: found } };
    const tight = { ...limits, memoryBytes: 90 * 1024 ** 2 };
    await expect(decodeAll(path, { ...confined, limits: tight })).rejects.toMatchObject({
      code: expect.stringMatching(/^(DECODE_FAILED|NO_FRAMES)$/),
    });
    expect((await decodeAll(path, confined)).summary.frameCount).toBeGreaterThan(0);
  });

  test('are set by a shell where there is no prlimit', async () => {
    const limitsBySh: Confinement = { ...NO_CONFINEMENT, limits: { tool: 'sh', path: '/bin/sh' } };
    await expect(
      runScript('while :; do :; done', { confinement: limitsBySh, cpuSeconds: 1 }),
    ).rejects.toMatchObject({ code: 'DECODE_TIMEOUT' });
    const text = await runScript('ulimit -v; ulimit -f', { confinement: limitsBySh, memoryBytes: 2 ** 30 });
    expect(text.trim().split('\n')).toEqual([String(2 ** 20), '0']);
  });
});

test.runIf(found.network ?? found.sandbox)('no network is there, not even that of this machine', async () => {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  const script = `exec '${process.execPath}' -e "
    require('net').connect(${port}, '127.0.0.1').on('connect', () => console.log('connected'))
      .on('error', (error) => console.log(error.code));"`;
  expect(await runScript(script, { confinement: NO_CONFINEMENT })).toContain('connected');
  expect(await runScript(script)).toMatch(/ENETUNREACH|EHOSTUNREACH|ECONNREFUSED|ENOENT|not found/);
  server.close();
  expect(connections).toBe(1);
});

describe.runIf(isRoot && found.privileges?.changesUser && !found.sandbox)('as root', () => {
  test('a file that everyone may read is read by no one in particular', async () => {
    const open = join(folder.path, 'open');
    await chmod(folder.path, 0o711);
    await mkdir(open, { mode: 0o755 });
    const filePath = join(open, 'a.mp4');
    await writeFile(filePath, 'x', { mode: 0o644 });
    expect(await runScript('id -u; id -g; id -G', { filePath })).toBe('65534\n65534\n65534\n');
    expect(await runScript('grep CapEff /proc/self/status', { filePath })).toMatch(/\b0{16}\b/);
  });

  test('a private file is still read, without privileges', async () => {
    const closed = join(folder.path, 'closed');
    await mkdir(closed, { mode: 0o700 });
    const filePath = await makeVideo(join(closed, 'private.mp4'), { durationSeconds: 1 });
    await chmod(filePath, 0o600);
    expect(await runScript('id -u; grep CapEff /proc/self/status', { filePath })).toMatch(/^0\n.*\b0{16}\b/);
    const confined = { ffmpeg: { ...(await ffmpegProgram()), confinement: found } };
    expect((await decodeAll(filePath, confined)).summary.frameCount).toBe(8);
  });
});

test.runIf(found.privileges)(
  'a program in a private folder keeps the user, and loses the privileges',
  async () => {
    const hidden = join(folder.path, 'hidden');
    await mkdir(hidden, { mode: 0o700 });
    const program = join(hidden, 'ffmpeg');
    await writeFile(program, '#!/bin/sh\necho ffmpeg version 1\n', { mode: 0o755 });
    expect((await findConfinement(program)).privileges).toMatchObject({ changesUser: false });
  },
);

describe.runIf(found.limits && found.privileges)('a run that writes a file', () => {
  test('may, and has everything else held: processor time, privileges, network', async () => {
    const confinement = forWriting(found);
    const path = join(folder.path, 'written-part');
    const write = `echo to a file > '${path}'; wc -c < '${path}'; grep CapEff /proc/self/status; grep -c : /proc/net/dev`;
    const filePath = join(folder.path, 'own.mp4');
    await writeFile(filePath, 'x');
    const options = { confinement, writesFile: true, filePath };
    const text = await runScript(write, options);
    expect(text).toMatch(/^\s*10\n.*\b0{16}\n/);
    // Loopback alone, which is down.
    if (found.network) expect(text.trim().endsWith('\n1')).toBe(true);
    const loop = runScript('while :; do :; done', { ...options, cpuSeconds: 1 });
    await expect(loop).rejects.toMatchObject({ code: 'DECODE_TIMEOUT' });
  });

  test('so is one that cuts a video, under its limits', async () => {
    const confined = { ...(await ffmpegProgram()), confinement: found };
    const filePath = await makeVideo(join(folder.path, 'source.mp4'), { durationSeconds: 3 });
    const outPath = join(folder.path, 'cut.mp4');
    const cut = { ffmpeg: confined, filePath, outPath, startSeconds: 1, durationSeconds: 1, cropFraction: 1 };
    await cutClip({ ...cut, codec: 'mpeg4', limits });
    expect((await decodeAll(outPath)).summary.frameCount).toBe(8);
    const tight = { ...limits, memoryBytes: 20 * 1024 ** 2 };
    await expect(cutClip({ ...cut, codec: 'mpeg4', limits: tight })).rejects.toMatchObject({
      code: expect.stringMatching(/^(DECODE_FAILED|NO_FRAMES)$/),
    });
  });
});

test('a tool that is missing, or that does not work here, is not used', async () => {
  expect(await findConfinement((await ffmpegProgram()).path, [])).toEqual(NO_CONFINEMENT);
  const tools = join(folder.path, 'tools');
  await mkdir(tools);
  for (const name of ['bwrap', 'unshare', 'prlimit']) {
    await writeFile(join(tools, name), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  }
  expect(await findConfinement((await ffmpegProgram()).path, [tools])).toEqual(NO_CONFINEMENT);
});

test('a sandbox stands in for the network, and shows the program and one file', () => {
  const tool = <T extends string>(name: T) => ({ tool: name, path: `/usr/bin/${name}` });
  const confinement: Confinement = {
    limits: tool('prlimit'),
    privileges: null,
    network: tool('unshare'),
    sandbox: tool('bwrap'),
  };
  const { file, args } = confinedCommand(confinement, {
    program: process.execPath,
    args: ['-i', 'x'],
    filePaths: ['/dev/null'],
    cpuSeconds: 5,
    memoryBytes: null,
  });
  expect(file).toBe('/usr/bin/prlimit');
  expect(args).not.toContain('/usr/bin/unshare');
  expect(args.slice(args.indexOf('/dev/null'))).toEqual([
    '/dev/null',
    '/dev/null',
    '--',
    process.execPath,
    '-i',
    'x',
  ]);
});
