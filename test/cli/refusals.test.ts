import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main } from '../../index/cli/program.js';
import { createWorkspace, SAMPLES_FOLDER } from '../helpers/workspace.js';
import { kill, startChild } from '../library/children/start.js';

const workspace = createWorkspace();
const clip = path.join(SAMPLES_FOLDER, 'head-pose-face-detection-male.mp4');

/** Every command, as it is used on the data folder; those that write first. */
const WRITING: readonly string[][] = [
  ['index', workspace.archive],
  ['index', '--retry-failed'],
  ['serve', '--port', '0'],
  ['remove', '1'],
  ['migrate'],
  ['jobs', 'run'],
  ['demo', '--no-serve'],
  ['verify', '--repair'],
  ['relocate', workspace.archive, workspace.root],
  ['index', '--watch', workspace.archive],
];
const READING: readonly string[][] = [
  ['search', clip],
  ['videos'],
  ['show', '1'],
  ['jobs'],
  ['doctor'],
  ['verify'],
  ['backup', path.join(workspace.root, 'backup.tar')],
];

interface Told {
  code: number;
  text: string;
}

/** The command line without a process of its own. */
async function run(args: readonly string[], data = workspace.data): Promise<Told> {
  let text = '';
  const tell = (more: string) => {
    text += `${more}\n`;
  };
  const code = await main([...args, '--data', data], {
    env: process.env,
    terminal: { out: tell, err: tell, interactive: false },
  });
  return { code, text };
}

/** A code, and after it a sentence that says what to do. */
async function expectRefused(args: readonly string[], code: string, remedy: RegExp): Promise<void> {
  const told = await run(args);
  expect([args.join(' '), told.code === 0], told.text).toEqual([args.join(' '), false]);
  expect(told.text, args.join(' ')).toContain(code);
  expect(told.text, args.join(' ')).toMatch(remedy);
}

beforeAll(async () => {
  await workspace.addSample('head-pose-face-detection-male.mp4');
  const { code, text } = await run(['index', workspace.archive]);
  expect(code, text).toBe(0);
});
afterAll(() => workspace.remove());

/** A whole data folder as a disk that cannot be written: by a mount where that is allowed, else by its mode. */
function makeReadOnly(data: string): (() => void) | null {
  try {
    execFileSync('mount', ['--bind', data, data], { stdio: 'pipe' });
    execFileSync('mount', ['-o', 'remount,bind,ro', data], { stdio: 'pipe' });
    return () => void execFileSync('umount', [data]);
  } catch {
    // Root writes whatever the mode is.
    if (process.getuid?.() === 0) return null;
    const folders = [data, ...readdirSync(data).map((name) => path.join(data, name))];
    const change = (mode: number) => {
      for (const entry of folders) chmodSync(entry, mode);
    };
    change(0o555);
    return () => change(0o755);
  }
}

describe('a read-only data folder', () => {
  it('is refused by every command', async ({ skip }) => {
    const backup = path.join(workspace.root, 'before.tar');
    // The last to close the library tidies up: with what readers leave beside it, it could be read.
    for (const args of [['backup', backup], ['migrate']]) expect((await run(args)).code).toBe(0);
    // What a killed process left, which each of them would remove.
    const left = [
      path.join(workspace.data, 'writer.lock.json'),
      path.join(workspace.data, 'tmp', 'cliptrace-pictures-0123456789abcdef'),
    ];
    for (const file of left) writeFileSync(file, '{}');
    const undo = makeReadOnly(workspace.data);
    if (undo === null) return skip('root cannot be kept from writing without a mount, which is refused here');
    try {
      // SQLite keeps what its readers share beside the library: they write, too.
      for (const args of [...WRITING, ...READING, ['restore', backup, '--replace']]) {
        await expectRefused(args, 'DATA_FOLDER_NOT_WRITABLE', /mount|permissions|--data/);
      }
    } finally {
      undo();
      for (const file of left) rmSync(file, { force: true });
    }
    expect((await run(['search', clip, '-k', '1'])).text).toContain('head-pose-face-detection-male');
  });

  it('is found by the doctor before there is a library in it', async ({ skip }) => {
    const empty = path.join(workspace.root, 'empty');
    mkdirSync(empty);
    const undo = makeReadOnly(empty);
    if (undo === null) return skip('root cannot be kept from writing without a mount, which is refused here');
    try {
      // Also below it: the folder that would have to be made.
      for (const data of [empty, path.join(empty, 'data')]) {
        const { code, text } = await run(['doctor'], data);
        expect(code, text).toBe(1);
        expect(text).toMatch(/wrong +Data folder +DATA_FOLDER_NOT_WRITABLE/);
      }
    } finally {
      undo();
    }
    expect((await run(['doctor'], empty)).code).toBe(0);
  });
});

describe('a data folder that another process writes to', () => {
  it('is refused by every command that writes, which names the process; the others read', async () => {
    const holder = startChild('hold-lock', [workspace.data]);
    await once(holder, 'message');
    for (const args of WRITING) {
      await expectRefused(args, 'DATA_FOLDER_IN_USE', new RegExp(`process ${holder.pid} .*[Ss]top it`));
    }
    for (const args of READING) {
      const { code, text } = await run(args);
      expect([args.join(' '), code], text).toEqual([args.join(' '), 0]);
    }
    // The lock goes with the process, which the next test must not meet.
    await kill(holder);
  });
});

describe('a data folder of a newer version', () => {
  it('is refused by every command, and left as it is', async () => {
    const file = path.join(workspace.data, 'library.sqlite');
    const change = (sql: string) => {
      const database = new Database(file);
      database.exec(sql);
      database.close();
    };
    change(
      `INSERT INTO schema_migrations (version, name, sha256, applied_at) VALUES (9999, '9999_from_the_future.sql', '', '')`,
    );
    for (const args of [...WRITING, ...READING]) {
      await expectRefused(args, 'LIBRARY_TOO_NEW', /9999_from_the_future.*[Ii]nstall the newer version/s);
    }
    change('DELETE FROM schema_migrations WHERE version = 9999');
    expect(existsSync(`${file}-wal`)).toBe(false);
    expect((await run(['verify'])).code).toBe(0);
  });
});
