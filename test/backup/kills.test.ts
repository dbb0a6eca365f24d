import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checkBackup, restoreBackup } from '../../index/backup/restore.js';
import { writeBackup } from '../../index/backup/write-backup.js';
import { dataFolderAt } from '../../index/library/data-folder.js';
import { restoreFolderOf } from '../../index/library/interrupted-restore.js';
import { PROJECT_ROOT } from '../helpers/workspace.js';
import { temporaryFolder } from '../library/fixtures.js';
import { openForTest, soundFolder } from '../verify/sound-folder.js';
import { contentOf } from './folder-content.js';

const PRELOAD = pathToFileURL(fileURLToPath(new URL('../helpers/signal-at-step.mjs', import.meta.url))).href;
const MOST_STEPS = 60;

/** The command as a process that gets the signal before its step of that number; a step it never takes lets it end. */
function startAndSignal(
  args: readonly string[],
  atStep: number,
  signal: 'SIGKILL' | 'SIGSTOP',
): ChildProcess {
  const child = spawn(
    process.execPath,
    ['--import', PRELOAD, join(PROJECT_ROOT, 'dist/index/cli.js'), ...args],
    { env: { ...process.env, AT_STEP: String(atStep), SIGNAL: signal }, stdio: 'ignore' },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** Whether it was killed. */
async function killAt(args: readonly string[], atStep: number): Promise<boolean> {
  const child = startAndSignal(args, atStep, 'SIGKILL');
  const [code, signal] = await once(child, 'close');
  if (signal !== 'SIGKILL') expect(code).toBe(0);
  return signal === 'SIGKILL';
}

async function backupOf(source: Awaited<ReturnType<typeof soundFolder>>) {
  const file = join(temporaryFolder(), 'b.tar');
  await writeBackup({ dataFolder: source.dataFolder, file, programVersion: '1' });
  return file;
}

describe('a restore that is killed at any step', () => {
  it.each([
    ['into a new folder', { isNew: true, replace: false }],
    ['into a new folder with --replace', { isNew: true, replace: true }],
    ['over another library', { isNew: false, replace: true }],
  ])('%s ends well when it is asked for again', { timeout: 300_000 }, async (_, { isNew, replace }) => {
    const file = await backupOf(await soundFolder());
    const reference = dataFolderAt(join(temporaryFolder(), 'data'));
    const summary = await restoreBackup({ file, dataFolder: reference, replace: false });
    const other = await soundFolder();
    const library = await openForTest(other);
    await library.removeVideo(1);
    await library.close();
    let afterCertainty = 0;
    for (let step = 1; ; step += 1) {
      expect(step).toBeLessThan(MOST_STEPS);
      const dataFolder = dataFolderAt(join(temporaryFolder(), 'data'));
      if (!isNew) {
        cpSync(other.dataFolder.root, dataFolder.root, { recursive: true });
        // A folder in the place of a file that is restored.
        rmSync(join(dataFolder.mediaFolder, 'a1b2c3'));
        mkdirSync(join(dataFolder.mediaFolder, 'a1b2c3', 'of the owner'), { recursive: true });
      }
      const args = ['restore', file, '--data', dataFolder.root, ...(replace ? ['--replace'] : [])];
      const wasKilled = await killAt(args, step);
      const isWaiting = existsSync(join(restoreFolderOf(dataFolder), 'restored-files.json'));
      if (isWaiting) afterCertainty += 1;
      if (replace || isWaiting || !existsSync(dataFolder.databaseFile)) {
        expect(await restoreBackup({ file, dataFolder, replace }), `step ${step}`).toEqual(summary);
      } else {
        // All that was left was to tidy up: the folder holds a library, and nothing says any more where that is from.
        const again = restoreBackup({ file, dataFolder, replace });
        await expect(again, `step ${step}`).rejects.toMatchObject({ code: 'DATA_FOLDER_NOT_EMPTY' });
      }
      expect(contentOf(dataFolder.root), `step ${step}`).toEqual(contentOf(reference.root));
      expect(existsSync(restoreFolderOf(dataFolder))).toBe(false);
      if (!wasKilled) break;
    }
    expect(afterCertainty).toBeGreaterThan(5);
  });

  it('says which library is there when another backup is to be restored', async () => {
    const [first, second] = [await soundFolder(), await soundFolder()];
    const library = await openForTest(second);
    await library.removeVideo(1);
    await library.close();
    const [file, other] = [await backupOf(first), await backupOf(second)];
    const dataFolder = dataFolderAt(join(temporaryFolder(), 'data'));
    for (let step = 1; !existsSync(restoreFolderOf(dataFolder)); step += 1) {
      await killAt(['restore', file, '--replace', '--data', dataFolder.root], step);
    }
    await expect(restoreBackup({ file: other, dataFolder, replace: false })).rejects.toMatchObject({
      code: 'DATA_FOLDER_NOT_EMPTY',
      message: expect.stringContaining('a restore that was interrupted and is finished now'),
    });
    const { videos } = await restoreBackup({ file: other, dataFolder, replace: true });
    expect(videos).toBe(5);
  });
});

describe('a backup that is killed at any step', () => {
  it('leaves the older one, and nothing that the next one does not remove; files of others stay', {
    timeout: 300_000,
  }, async () => {
    const source = await soundFolder();
    const { dataFolder } = source;
    const file = await backupOf(source);
    const folder = join(file, '..');
    const others = [
      'b.tar.part',
      'b.tar.0a1b2c3d.part',
      'b.tar.0a1b2c3d.lock.part',
      'b.tar.draft.lock.part',
      'c.tar.0a1b2c3d.lock.part',
    ];
    for (const name of others) writeFileSync(join(folder, name), 'somebody wrote this');
    let left = 0;
    for (let step = 1; ; step += 1) {
      expect(step).toBeLessThan(MOST_STEPS);
      const wasKilled = await killAt(['backup', file, '--data', dataFolder.root], step);
      await checkBackup(file);
      if (readdirSync(folder).length > others.length + 1) left += 1;
      // Every third time, so that the leftovers of several kills come together.
      if (step % 3 !== 0 && wasKilled) continue;
      await writeBackup({ dataFolder, file, programVersion: '1' });
      expect(readdirSync(folder).sort()).toEqual([...others, 'b.tar'].sort());
      if (!wasKilled) break;
    }
    expect(left).toBeGreaterThan(3);
    for (const name of others) expect(readFileSync(join(folder, name), 'utf8')).toBe('somebody wrote this');
  });

  it('is told from one that is slow: that goes on and ends', async () => {
    const source = await soundFolder();
    const { dataFolder } = source;
    const file = await backupOf(source);
    const folder = join(file, '..');
    const partNames = () => readdirSync(folder).filter((name) => name !== 'b.tar');
    let slow: ChildProcess;
    for (let step = 1; ; step += 1) {
      slow = startAndSignal(['backup', file, '--data', dataFolder.root], step, 'SIGSTOP');
      await expect.poll(() => isStopped(slow) || slow.exitCode !== null, { timeout: 20_000 }).toBe(true);
      if (partNames().some((name) => /\.[0-9a-f]{8}\.part$/.test(name))) break;
      slow.kill('SIGKILL');
      await once(slow, 'close');
    }
    const before = partNames();
    await writeBackup({ dataFolder, file, programVersion: 'quick' });
    // What the steps before left is gone, what is in the making is there.
    const after = partNames();
    expect(before).toEqual(expect.arrayContaining(after));
    expect(new Set(after.map((name) => name.split('.')[2])).size).toBe(1);
    expect(after.some((name) => /\.[0-9a-f]{8}\.part$/.test(name))).toBe(true);
    slow.kill('SIGCONT');
    const [code] = await once(slow, 'close');
    expect(code).toBe(0);
    expect(readdirSync(folder)).toEqual(['b.tar']);
    expect((await checkBackup(file)).head.programVersion).not.toBe('quick');
  });
});

describe('a backup to a link', () => {
  it('goes where the link leads, also when nothing is there yet; the link stays', async () => {
    const { dataFolder } = await soundFolder();
    const [here, disk] = [temporaryFolder(), temporaryFolder()];
    const link = join(here, 'latest.tar');
    symlinkSync(join(disk, 'real.tar'), join(here, 'hop'));
    symlinkSync('hop', link);
    for (const programVersion of ['1', '2']) {
      expect(await writeBackup({ dataFolder, file: link, programVersion })).toMatchObject({ file: link });
      expect((await checkBackup(join(disk, 'real.tar'))).head).toMatchObject({ programVersion });
      expect([readdirSync(here).sort(), readdirSync(disk)]).toEqual([['hop', 'latest.tar'], ['real.tar']]);
    }
    await checkBackup(link);
  });

  it('that leads to another file, into the data folder, nowhere or back is refused', async () => {
    const { dataFolder } = await soundFolder();
    const here = temporaryFolder();
    writeFileSync(join(here, 'precious'), 'x');
    const linked = (name: string, to: string) => {
      symlinkSync(to, join(here, name));
      return writeBackup({ dataFolder, file: join(here, name), programVersion: '1' });
    };
    await expect(linked('other', 'precious')).rejects.toMatchObject({ code: 'USAGE' });
    await expect(linked('in', join(dataFolder.mediaFolder, 'b.tar'))).rejects.toMatchObject({
      code: 'USAGE',
    });
    await expect(linked('back', 'back')).rejects.toMatchObject({ code: 'USAGE' });
    await expect(linked('nowhere', 'no/such/b.tar')).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    expect(readFileSync(join(here, 'precious'), 'utf8')).toBe('x');
    expect(readdirSync(here).sort()).toEqual(['back', 'in', 'nowhere', 'other', 'precious']);
  });
});

/** By what the system says of the process. */
function isStopped({ pid }: ChildProcess): boolean {
  try {
    return /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
