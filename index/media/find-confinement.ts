import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Confinement, confinedCommand, NO_CONFINEMENT } from './confinement.js';

const run = promisify(execFile);

const TOOL_FOLDERS = ['/usr/bin', '/bin', '/usr/sbin', '/sbin'];
const TRIAL_TIMEOUT_MS = 10_000;
/** Of the trial; enough for any ffmpeg to tell its version. */
const TRIAL_CPU_SECONDS = 10;
const TRIAL_MEMORY_BYTES = 4 * 1024 ** 3;

/**
 * What of a confinement works here, found by running the program under it. A container may forbid what the machine has,
 * and a program in a private folder cannot be run by another user. `folders` is where tools are looked for.
 */
export async function findConfinement(
  program: string,
  folders: readonly string[] = TOOL_FOLDERS,
): Promise<Confinement> {
  if (process.platform === 'win32') return NO_CONFINEMENT;
  const tool = async <T extends string>(name: T) => {
    const path = await find(name, folders);
    return path === null ? null : { tool: name, path };
  };
  const limits = (await tool('prlimit')) ?? (await tool('sh'));
  const sandbox = await tool('bwrap');
  const network = await tool('unshare');
  const setpriv = await tool('setpriv');
  const users = process.getuid?.() === 0 ? [true, false] : [false];
  let best = NO_CONFINEMENT;
  // The sandbox first: it includes a network of its own.
  const parts: Partial<Confinement>[] = [
    { limits },
    ...users.map((changesUser) => ({ privileges: setpriv && { ...setpriv, changesUser } })),
    { sandbox },
    { network },
  ];
  for (const part of parts) {
    if (Object.values(part).every((found) => found === null)) continue;
    if ('network' in part && best.sandbox !== null) continue;
    if ('privileges' in part && best.privileges !== null) continue;
    const more = { ...best, ...part };
    if (await works(program, more)) best = more;
  }
  return Object.freeze(best);
}

async function works(program: string, confinement: Confinement): Promise<boolean> {
  const { file, args } = confinedCommand(confinement, {
    program,
    args: ['-hide_banner', '-version'],
    filePaths: [],
    cpuSeconds: TRIAL_CPU_SECONDS,
    memoryBytes: TRIAL_MEMORY_BYTES,
  });
  try {
    const { stdout } = await run(file, args, { timeout: TRIAL_TIMEOUT_MS, killSignal: 'SIGKILL', cwd: '/' });
    return stdout.includes('version');
  } catch {
    return false;
  }
}

async function find(name: string, folders: readonly string[]): Promise<string | null> {
  for (const folder of folders) {
    const path = join(folder, name);
    if (
      await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  return null;
}
