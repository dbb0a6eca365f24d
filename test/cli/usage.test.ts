import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unknownVariables } from '../../index/cli/known-variables.js';
import { LEFT_OUT_REASONS } from '../../index/evaluation/types.js';
import { runMain, type Said } from '../helpers/run-main.js';
import { createWorkspace, PROJECT_ROOT, SAMPLES_FOLDER } from '../helpers/workspace.js';

const workspace = createWorkspace();
const clip = path.join(SAMPLES_FOLDER, 'head-pose-face-detection-male.mp4');
const run = (args: readonly string[], env: Record<string, string> = {}): Promise<Said> =>
  runMain(args, { ...process.env, CLIPTRACE_DATA: workspace.data, ...env });

beforeAll(async () => {
  await workspace.addSample('head-pose-face-detection-male.mp4');
  expect((await run(['index', workspace.archive])).code).toBe(0);
});
afterAll(() => workspace.remove());

/** Exit code 2, the code in the JSON, and the bad value in the message. */
async function expectUsage(args: readonly string[], told: RegExp, code = 'USAGE'): Promise<void> {
  const said = await run(args);
  expect([args.join(' '), said.code], said.err).toEqual([args.join(' '), 2]);
  expect(said.err).toMatch(told);
  const json = await run([...args, '--json']);
  expect(json.code, json.err).toBe(2);
  // `serve` and `demo` have no --json, and say so.
  if (args[0] === 'serve') return;
  expect(JSON.parse(json.out)).toMatchObject({ error: { code, message: expect.stringMatching(told) } });
}

describe('wrong usage', () => {
  it('ends with 2, and with --json in one document of JSON', async () => {
    await expectUsage(['serve', '--port', '99999'], /--port is "99999": it must lie between 0 and 65535/);
    await expectUsage(['serve', '--auth', 'maybe'], /--auth is "maybe"/);
    await expectUsage(
      ['search', clip, '--precision', 'int4'],
      /no variant of precision "int4"/,
      'MODEL_NOT_FOUND',
    );
    await expectUsage(['videos', '--cursor', 'zz'], /"zz"/, 'REQUEST_INVALID');
    await expectUsage(['videos', '--nonsense'], /unknown option '--nonsense'/);
    await expectUsage(['search'], /missing required argument/);
    await expectUsage(['index', workspace.archive, '--meta', '__proto__=x'], /"__proto__"/);
    await expectUsage(['videos', '--config', 'a.json', '--config', 'b.json'], /given 2 times/);
    for (const name of ['', ' ', 'x'.repeat(101), 'a\tb']) {
      await expectUsage(['index', workspace.archive, '--collection', name], /--collection is ".*": it must/);
    }
    // What the environment says wrongly is no wrong usage.
    expect((await run(['search', clip], { CLIPTRACE_PRECISION: 'int4' })).code).toBe(1);
    expect((await run(['serve'], { CLIPTRACE_PORT: '99999' })).code).toBe(1);
  });

  it('is an empty --data, which would make a library in the current folder', async () => {
    const here = path.join(process.cwd(), 'library.sqlite');
    expect(existsSync(here)).toBe(false);
    for (const args of [['index', workspace.archive], ['migrate'], ['videos']]) {
      await expectUsage([...args, '--data', ''], /--data is empty/);
    }
    expect(existsSync(here)).toBe(false);
  });

  it('is a place for the report that cannot be written, before anything is measured', async () => {
    const folder = path.join(workspace.root, 'folder');
    mkdirSync(folder);
    for (const file of [path.join(folder, 'missing', 'r.html'), folder, '']) {
      await expectUsage(['evaluate', '--protocol', 'ann', '--html', file], /--html is ".*": /);
    }
    expect(JSON.parse((await run(['jobs', '--json'])).out).jobs).toHaveLength(1);
    const report = path.join(folder, 'r.html');
    const { code, err } = await run(['evaluate', '--protocol', 'ann', '--html', report]);
    expect(code, err).toBe(0);
    expect(readFileSync(report, 'utf8')).toContain('<html');
    // Not known before: the disk is full. What was measured is told all the same.
    const full = await run(['evaluate', '--protocol', 'ann', '--html', '/dev/full', '--json']);
    expect(full.code).toBe(1);
    expect(JSON.parse(full.out)).toMatchObject({ status: 'done' });
    expect(full.err).toMatch(/report cannot be written to \/dev\/full: ENOSPC/);
  });
});

describe('what is asked for and is not there', () => {
  it('is told with what to do', async () => {
    for (const args of [['search', clip], ['videos'], ['boilerplate']]) {
      const { code, out, err } = await run([...args, '--collection', 'typo', '--json']);
      expect([args[0], code], err).toEqual([args[0], 1]);
      const message = 'There is no collection "typo". There is "default".';
      expect(JSON.parse(out)).toEqual({ error: { code: 'COLLECTION_NOT_FOUND', message } });
      expect((await run([...args, '--collection', 'default'])).code).toBe(0);
    }
    const told = async (...args: string[]) => (await run(args)).err;
    expect(await told('show', '99')).toContain('There is no video 99: `cliptrace videos` lists them');
    expect(await told('remove', '99')).toContain('There is no video 99: `cliptrace videos` lists them');
    expect(await told('jobs', 'show', '99')).toContain('There is no job 99: `cliptrace jobs` lists them');
    expect(await told('jobs', 'pause', '99')).toMatch(/There is no job 99: list the jobs/);
    expect(await told('jobs', 'pause', '1')).toMatch(
      /Job 1 has already ended: it is done\. Ask for the same again/,
    );
  });
});

describe('a variable that is not known', () => {
  it('is warned of by commands, and refused by serve', async () => {
    const warned = await run(['videos', '--json'], {
      CLIPTRACE_PRECISON: 'int8',
      CLIPTRACE_PORT: '81',
      CLIPTRACE_X: '',
    });
    expect(warned.code).toBe(0);
    expect(JSON.parse(warned.out)).toMatchObject({ totalCount: 1 });
    expect(warned.err).toMatch(/^Warning: CLIPTRACE_PRECISON is not a variable of Cliptrace.*\n$/);
    const refused = await run(['serve'], { CLIPTRACE_PRECISON: 'int8' });
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/^CONFIGURATION_INVALID: CLIPTRACE_PRECISON is not/);
    expect(await unknownVariables({ PATH: 'x', CLIPTRACE_DATA: 'x', CLIPTRACE_CONFIG: 'x' })).toEqual([]);
  });
});

describe('docs/evaluation.md', () => {
  it('names every reason for which a video is left out', () => {
    const text = readFileSync(path.join(PROJECT_ROOT, 'docs/evaluation.md'), 'utf8');
    for (const reason of Object.keys(LEFT_OUT_REASONS)) expect(text).toContain(`\`${reason}\``);
  });
});
