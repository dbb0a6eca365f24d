import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfigurationFile, withFile } from '../../index/cli/configuration-file.js';
import { configurationPath } from '../../index/cli/configuration-path.js';
import { SETTING_NAMES } from '../../index/settings.js';
import { loadServerConfiguration, SERVER_VARIABLES } from '../../server/configuration.js';
import { runMain, type Said } from '../helpers/run-main.js';
import { createWorkspace, type Workspace } from '../helpers/workspace.js';

let workspace: Workspace;

beforeAll(() => {
  workspace = createWorkspace();
  mkdirSync(workspace.archive);
});

afterAll(() => workspace.remove());

function write(content: unknown, name = 'cliptrace.json'): string {
  const file = path.join(workspace.root, name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

function run(args: string[], env: NodeJS.ProcessEnv = {}): Promise<Said> {
  return runMain(args, env);
}

describe('the configuration file', () => {
  it('sets what the variables set, and goes behind them', async () => {
    const file = await readConfigurationFile(
      write({
        port: 81,
        host: '0.0.0.0',
        archiveRoots: [workspace.archive],
        corsOrigins: ['https://a.example'],
        auth: 'off',
      }),
    );
    const env = withFile({ CLIPTRACE_PORT: '82', CLIPTRACE_HOST: '' }, file);
    expect(loadServerConfiguration(env)).toMatchObject({
      port: 82,
      host: '0.0.0.0',
      archiveRoots: [workspace.archive],
      corsOrigins: ['https://a.example'],
      authentication: false,
    });
    expect(loadServerConfiguration(env, { port: '83' }).port).toBe(83);
  });

  it('has a key for every variable', async () => {
    for (const name of [...SETTING_NAMES, ...Object.keys(SERVER_VARIABLES)]) {
      const words = name.replace('CLIPTRACE_', '').toLowerCase().split('_');
      const key = words.map((word, i) => (i === 0 ? word : word[0]?.toUpperCase() + word.slice(1))).join('');
      expect((await readConfigurationFile(write({ [key]: 'x' }))).variables).toEqual({ [name]: 'x' });
    }
  });

  it('is named by a flag, or by a variable', () => {
    expect(configurationPath(['serve', '--config', 'a.json'], { CLIPTRACE_CONFIG: 'b.json' })).toBe('a.json');
    expect(configurationPath(['serve', '--config=a.json'], {})).toBe('a.json');
    expect(configurationPath(['serve'], { CLIPTRACE_CONFIG: 'b.json' })).toBe('b.json');
    expect(configurationPath(['serve'], {})).toBeNull();
    for (const wrong of [
      ['--config', 'a', '--config=b'],
      ['--config='],
      ['--config=', 'videos'],
      ['--config', ''],
    ]) {
      expect(() => configurationPath(['videos', ...wrong], {})).toThrow(/--config is (given 2 times|empty)/);
    }
  });

  it('is obeyed by every command', async () => {
    const file = write({ data: path.join(workspace.root, 'elsewhere') });
    const { code, out } = await run(['migrate', '--config', file, '--json']);
    expect([code, JSON.parse(out)]).toEqual([
      0,
      { dataFolder: path.join(workspace.root, 'elsewhere'), migrated: true },
    ]);
  });

  it.each([
    [{ prot: 80 }, 'prot'],
    [{ CLIPTRACE_PORT: 80 }, 'CLIPTRACE_PORT'],
    [{ PORT: 80 }, 'PORT'],
    [{ port: { number: 80 } }, 'port'],
    [[1], 'object'],
    ['{"port": 80', 'no JSON'],
  ])('is refused as %j', async (content, named) => {
    const { code, err } = await run(['migrate', '--config', write(content)]);
    expect(code).toBe(1);
    expect(err).toContain('CONFIGURATION_INVALID');
    expect(err).toContain(named);
  });

  it('is named with its key when a value is wrong, and says so when it is not there', async () => {
    const file = write({ threads: 0 });
    const { err } = await run(['migrate', '--config', file]);
    expect(err).toContain(`CLIPTRACE_THREADS ("threads" in ${file}) is "0"`);
    expect((await run(['migrate', '--config', `${file}.none`])).err).toContain('cannot be read');
  });
});
