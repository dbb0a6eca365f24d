import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runMain } from '../helpers/run-main.js';
import { createWorkspace, PROJECT_ROOT, SAMPLES_FOLDER } from '../helpers/workspace.js';

const workspace = createWorkspace();
const { cli } = workspace;

beforeAll(async () => {
  await workspace.addSample('car-detection.mp4', 'street/car-detection.mp4');
  await workspace.addSample('classroom.mp4', 'indoors/classroom.mp4');
});
afterAll(() => workspace.remove());

async function inProcess(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, out, err } = await runMain(args, { ...process.env, CLIPTRACE_DATA: workspace.data });
  return { code, stdout: out, stderr: err };
}

describe('cliptrace', () => {
  it('says what it can do, with an example for every command', async () => {
    const { code, stdout } = await inProcess(['--help']);
    expect(code).toBe(0);
    const commands = [
      'index',
      'search',
      'evaluate',
      'serve',
      'videos',
      'show',
      'remove',
      'jobs',
      'doctor',
      'verify',
      'relocate',
      'backup',
      'restore',
      'migrate',
      'demo',
    ];
    for (const command of commands) expect(stdout).toContain(`  ${command}`);
    for (const command of commands) {
      const help = await inProcess([command, '--help']);
      expect(help.code).toBe(0);
      expect(help.stdout).toContain(`$ cliptrace ${command}`);
      expect(help.stdout).toContain('--data');
    }
  });

  it('ends with 2 on wrong usage, and names what is wrong', async () => {
    const wrong: [string[], string][] = [
      [[], 'Usage'],
      [['nonsense'], 'nonsense'],
      [['index'], 'paths'],
      [['search', 'a.mp4', '-k', '0'], '-k is "0"'],
      [['search', 'a.mp4', '-k', '1.5'], '-k is "1.5"'],
      [['search', 'a.mp4', '--start', 'soon'], '--start is "soon"'],
      [['index', workspace.archive, '--label-from', 'name'], '--label-from is "name"'],
      [['show', 'twelve'], '"twelve" is no video id'],
      [['videos', '--nonsense'], '--nonsense'],
      [['jobs', 'stop', '1'], '"stop" is nothing to do with jobs'],
      [['jobs', 'pause'], 'needs the id'],
      [['jobs', 'pause', 'x'], '"x" is no job id'],
    ];
    for (const [args, told] of wrong) {
      const { code, stderr } = await inProcess(args);
      expect(code, args.join(' ')).toBe(2);
      expect(stderr, args.join(' ')).toContain(told);
    }
  });

  it('says what to do when there is no library yet', async () => {
    const { code, stdout, stderr } = await cli([
      'videos',
      '--json',
      '--data',
      path.join(workspace.root, 'none'),
    ]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'LIBRARY_NOT_FOUND' } });
    expect(stderr).toContain('Index some videos first');
  });

  it('indexes, lists, shows, searches and removes', async () => {
    const indexed = await cli(['index', workspace.archive, '--label-from', 'folder', '--json']);
    expect(indexed.code).toBe(0);
    expect(JSON.parse(indexed.stdout)).toMatchObject({ status: 'done', counts: { indexed: 2, failed: 0 } });

    const again = await cli(['index', workspace.archive, '--label-from', 'folder']);
    expect(again.code).toBe(0);
    expect(again.stdout).toContain('2 files: 2 unchanged');

    const listed = JSON.parse((await cli(['videos', '--json'])).stdout) as {
      videos: { id: number; label: string }[];
    };
    expect(listed.videos.map((video) => video.label).sort()).toEqual(['indoors', 'street']);
    const car = listed.videos.find((video) => video.label === 'street')?.id as number;

    const shown = await cli(['show', String(car)]);
    expect(shown.stdout).toContain('car-detection');
    expect((await cli(['show', '999'])).code).toBe(1);

    const clip = path.join(SAMPLES_FOLDER, 'car-detection.mp4');
    const found = await cli(['search', clip, '--start', '10', '--end', '16', '-k', '1', '--json']);
    expect(found.code).toBe(0);
    const [hit] = (JSON.parse(found.stdout) as { hits: { video: { id: number }; startSeconds: number }[] })
      .hits;
    expect(hit?.video.id).toBe(car);
    expect(Math.abs((hit?.startSeconds ?? 0) - 10)).toBeLessThan(0.5);

    const removed = await cli(['remove', String(car), '999', '--json']);
    expect(removed.code).toBe(1);
    expect(JSON.parse(removed.stdout)).toEqual({ removed: [car], unknown: [999] });
    const after = JSON.parse((await cli(['search', clip, '--json'])).stdout) as {
      hits: { video: { id: number } }[];
    };
    expect(after.hits.map(({ video }) => video.id)).not.toContain(car);
  });

  it('ends with 3 when some files failed, and names each with its code', async () => {
    const bad = path.join(workspace.archive, 'bad.mp4');
    await writeFile(bad, 'no video');
    const { code, stdout } = await cli(['index', workspace.archive]);
    await rm(bad);
    expect(code).toBe(3);
    expect(stdout).toContain(`NOT_A_VIDEO: 1 file\n    ${bad}\n`);
  });

  it('ends with 1 when the only path does not exist', async () => {
    const { code, stderr } = await cli(['index', path.join(workspace.root, 'nowhere')]);
    expect(code).toBe(1);
    expect(stderr).toContain('FILE_NOT_FOUND');
  });

  it('finds nothing wrong with a sound installation, and names what is wrong with a broken one', async () => {
    const sound = await cli(['doctor', '--json']);
    const report = JSON.parse(sound.stdout) as { ok: boolean; findings: { check: string; status: string }[] };
    expect(report.findings.filter((finding) => finding.status === 'wrong')).toEqual([]);
    expect(sound.code).toBe(0);
    expect(report.findings.map((finding) => finding.check)).toEqual(
      expect.arrayContaining([
        'Node',
        'ffmpeg',
        'ONNX Runtime',
        'Model',
        'SQLite',
        'Library',
        'Vector index',
        'Data folder',
        'Free disk',
      ]),
    );
    const broken = await cli(['doctor'], { env: { FFMPEG_PATH: path.join(PROJECT_ROOT, 'README.md') } });
    expect(broken.code).toBe(1);
    expect(broken.stdout).toContain('FFMPEG_NOT_USABLE');
  });
});

describe('cliptrace demo', () => {
  it('finds the video that its query was cut from, and ends when told not to serve', async () => {
    const { code, stdout } = await cli(['demo', '--no-serve', '--data', path.join(workspace.root, 'demo')]);
    expect(stdout).toContain('Found:');
    expect(code).toBe(0);
  });

  it('refuses a port that is none before it indexes anything', async () => {
    const data = path.join(workspace.root, 'demo-port');
    const { code, stderr } = await cli(['demo', '--port', 'x', '--data', data]);
    expect([code, existsSync(data)], stderr).toEqual([2, false]);
    expect(stderr).toContain('--port is "x"');
  });
});
