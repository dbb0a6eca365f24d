import { realpathSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CliptraceError } from '../../index/errors.js';
import { NAMES_READ_ELSEWHERE, SETTING_NAMES } from '../../index/settings.js';
import { loadServerConfiguration, SERVER_VARIABLES } from '../../server/configuration.js';

let folder: string;

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'cliptrace-configuration-')));
  await mkdir(join(folder, 'real'));
  await symlink(join(folder, 'real'), join(folder, 'link'));
  await writeFile(join(folder, 'file'), '');
});

afterAll(() => rm(folder, { recursive: true }));

function problemOf(environment: Record<string, string>, flags = {}, code = 'CONFIGURATION_INVALID'): string {
  try {
    loadServerConfiguration(environment, flags);
  } catch (error) {
    if (error instanceof CliptraceError && error.code === code) return error.message;
    throw error;
  }
  throw new Error(`accepted ${JSON.stringify({ environment, flags })}`);
}

describe('the configuration of the server', () => {
  it('has defaults that listen on loopback and index nothing over HTTP', () => {
    expect(loadServerConfiguration({ PATH: '/bin', CLIPTRACE_DATA: 'x' })).toMatchObject({
      host: '127.0.0.1',
      port: 8080,
      archiveRoots: [],
      logLevel: 'info',
    });
  });

  it('names the folders that the server follows, resolved, and refuses what is no folder', () => {
    expect(loadServerConfiguration({}).watch).toMatchObject({ roots: [], settleMs: 5000, rescanMs: 300_000 });
    const environment = { CLIPTRACE_WATCH: tmpdir(), CLIPTRACE_WATCH_SETTLE_SECONDS: '9' };
    expect(loadServerConfiguration(environment).watch).toEqual({
      roots: [realpathSync(tmpdir())],
      collection: 'default',
      settleMs: 9000,
      rescanMs: 300_000,
    });
    const none = { CLIPTRACE_WATCH: '/no/such/folder' };
    expect(() => loadServerConfiguration(none)).toThrow(/CLIPTRACE_WATCH names "\/no\/such\/folder"/);
  });

  it('cannot be changed afterwards', () => {
    const configuration = loadServerConfiguration({}) as { port: number; archiveRoots: readonly string[] };
    expect(() => {
      configuration.port = 1;
    }).toThrow(TypeError);
    expect(Object.isFrozen(configuration.archiveRoots)).toBe(true);
  });

  it('takes flags before variables, and an empty variable as none', () => {
    const environment = { CLIPTRACE_PORT: '81', CLIPTRACE_HOST: '' };
    expect(loadServerConfiguration(environment, { port: '82' })).toMatchObject({
      port: 82,
      host: '127.0.0.1',
    });
    expect(loadServerConfiguration(environment).port).toBe(81);
    expect(loadServerConfiguration({}, { port: 0 }).port).toBe(0);
  });

  it.each([
    ['CLIPTRACE_PORT', '65536', '0 and 65535'],
    ['CLIPTRACE_PORT', '80a', '0 to 65535'],
    ['CLIPTRACE_PORT', '-1', '0 to 65535'],
    ['CLIPTRACE_PORT', '1e3', '0 to 65535'],
    ['CLIPTRACE_MAX_CONCURRENT_DECODES', '0', '1 and 256'],
    ['CLIPTRACE_MAX_UPLOAD_BYTES', '0', '1 and'],
    ['CLIPTRACE_AUTH', 'maybe', 'auto, required, off'],
    ['CLIPTRACE_CORS_ORIGINS', 'https://a.example,https://b.example/path', 'without a path'],
    ['CLIPTRACE_CORS_ORIGINS', '*', 'https://video.example'],
    ['CLIPTRACE_TRUSTED_PROXIES', '10.0.0.0/40', 'IP addresses'],
    ['CLIPTRACE_RATE_LIMIT_PER_MINUTE', '-1', '0 = no limit'],
    ['CLIPTRACE_LOG_LEVEL', 'loud', 'trace, debug, info'],
    ['CLIPTRACE_HOST', 'a b', 'host name'],
  ])('refuses %s=%s and names the range', (name, value, range) => {
    const message = problemOf({ [name]: value });
    expect(message).toContain(name);
    expect(message).toContain(JSON.stringify(value));
    expect(message).toContain(range);
  });

  it('asks for keys and sets limits wherever strangers may come, unless told otherwise', () => {
    const open = { authentication: false, rateLimitPerMinute: null, maxConcurrentPerClient: null };
    const closed = { authentication: true, rateLimitPerMinute: 1200, maxConcurrentPerClient: 32 };
    for (const host of ['127.0.0.1', 'localhost', '::1', '127.8.9.1'])
      expect(loadServerConfiguration({ CLIPTRACE_HOST: host })).toMatchObject(open);
    for (const host of ['0.0.0.0', '::', '192.168.1.2', 'video.example', '127.0.0.1.example'])
      expect(loadServerConfiguration({ CLIPTRACE_HOST: host })).toMatchObject(closed);
    expect(loadServerConfiguration({ CLIPTRACE_AUTH: 'required' })).toMatchObject(closed);
    expect(loadServerConfiguration({ CLIPTRACE_HOST: '::' }, { auth: 'off' })).toMatchObject(open);
    const own = { CLIPTRACE_RATE_LIMIT_PER_MINUTE: '7', CLIPTRACE_MAX_CONCURRENT_PER_CLIENT: '0' };
    expect(loadServerConfiguration({ ...own, CLIPTRACE_HOST: '::' })).toMatchObject({
      rateLimitPerMinute: 7,
      maxConcurrentPerClient: null,
    });
  });

  it('names a flag as the person wrote it', () => {
    expect(problemOf({ CLIPTRACE_PORT: '1' }, { port: 'x' }, 'USAGE')).toContain('--port is "x"');
    // Not the fault of the command line alone.
    expect(problemOf({ CLIPTRACE_AUTH: 'x' }, { port: 'x' })).toContain('--port is "x"');
  });

  it('refuses a misspelt variable and lists the known ones', () => {
    const message = problemOf({ CLIPTRACE_PROT: '80' });
    expect(message).toContain('CLIPTRACE_PROT is not a variable');
    for (const name of Object.keys(SERVER_VARIABLES)) expect(message).toContain(name);
  });

  it('takes the variables of the other parts of the product as known', () => {
    const others = Object.fromEntries([...SETTING_NAMES, ...NAMES_READ_ELSEWHERE].map((name) => [name, '1']));
    expect(loadServerConfiguration({ ...others, CLIPTRACE_PORT: '81' }).port).toBe(81);
  });

  it('tells everything that is wrong at once', () => {
    const message = problemOf({ CLIPTRACE_PORT: 'x', CLIPTRACE_LOG_LEVEL: 'y', CLIPTRACE_Z: '1' });
    for (const name of ['CLIPTRACE_PORT', 'CLIPTRACE_LOG_LEVEL', 'CLIPTRACE_Z'])
      expect(message).toContain(name);
  });

  it('resolves archive roots, and refuses what is no folder', () => {
    const roots = [join(folder, 'real'), join(folder, 'link')].join(delimiter);
    expect(loadServerConfiguration({ CLIPTRACE_ARCHIVE_ROOTS: roots }).archiveRoots).toEqual([
      join(folder, 'real'),
      join(folder, 'real'),
    ]);
    expect(problemOf({ CLIPTRACE_ARCHIVE_ROOTS: join(folder, 'file') })).toContain('is not a folder');
    expect(problemOf({ CLIPTRACE_ARCHIVE_ROOTS: join(folder, 'none') })).toContain('cannot be opened');
  });
});
