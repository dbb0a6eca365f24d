import { realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * What the system does to hold ffmpeg, beyond the arguments that it is given. Each part is null where the system does not
 * offer it; `findConfinement` tried them. Paths are those of the tools.
 */
export interface Confinement {
  /** Bounds on processor time, address space and written files: prlimit, or `ulimit` of a shell. */
  readonly limits: { tool: 'prlimit' | 'sh'; path: string } | null;
  /** No way to any network, not even to this machine's own. */
  readonly network: { tool: 'unshare'; path: string } | null;
  /**
   * No privileges, and no way to gain some. `changesUser`: as root, another user reads the files that everyone may read (not
   * where the program itself lies in a private folder).
   */
  readonly privileges: { tool: 'setpriv'; path: string; changesUser: boolean } | null;
  /** Nothing to see but the program and its files; includes `network`. */
  readonly sandbox: { tool: 'bwrap'; path: string } | null;
}

export const NO_CONFINEMENT: Confinement = Object.freeze({
  limits: null,
  network: null,
  privileges: null,
  sandbox: null,
});

/**
 * What of it a run can bear that writes a file: as the user of this process, who may write there, and outside of a sandbox, which
 * shows the one file read-only.
 */
export function forWriting({ limits, network, privileges }: Confinement): Confinement {
  return { limits, network, privileges: privileges && { ...privileges, changesUser: false }, sandbox: null };
}

export interface ConfinedRun {
  program: string;
  args: readonly string[];
  /** The only files that it needs. */
  filePaths: readonly string[];
  /** Null = unbounded. */
  cpuSeconds: number | null;
  memoryBytes: number | null;
  /** True for a run that writes a file of its own accord, not to pipes only. */
  writesFile?: boolean | undefined;
}

/** `nobody` of most systems; it needs no entry anywhere. */
const UNPRIVILEGED_ID = '65534';
const KIB = 1024;
const isRoot = process.getuid?.() === 0;

/** The command that runs the program under everything that there is. Each tool replaces itself by the next. */
export function confinedCommand(
  confinement: Confinement,
  run: ConfinedRun,
): { file: string; args: string[] } {
  const { limits, network, privileges, sandbox } = confinement;
  const outer = limits === null ? [] : limitArguments(limits, run);
  const drop = privileges === null ? [] : privilegeArguments(privileges, run);
  // A network of its own takes privileges; a sandbox makes itself those that it needs.
  const inner = sandbox
    ? [...drop, ...sandboxArguments(sandbox.path, run)]
    : [...(network ? networkArguments(network.path) : []), ...drop];
  const [file, ...args] = [...outer, ...inner, run.program, ...run.args];
  return { file: file as string, args };
}

function limitArguments({ tool, path }: NonNullable<Confinement['limits']>, run: ConfinedRun): string[] {
  const { cpuSeconds, memoryBytes, writesFile = false } = run;
  if (tool === 'prlimit') {
    return [
      path,
      // Soft and hard at once: ffmpeg would end in peace on the signal of the soft one, as if the video ended there.
      ...(cpuSeconds === null ? [] : [`--cpu=${cpuSeconds}`]),
      ...(memoryBytes === null ? [] : [`--as=${memoryBytes}`]),
      // It writes to pipes only.
      ...(writesFile ? [] : ['--fsize=0']),
      '--core=0',
      '--',
    ];
  }
  const script = [
    ...(cpuSeconds === null ? [] : [`ulimit -t ${cpuSeconds}`]),
    ...(memoryBytes === null ? [] : [`ulimit -v ${Math.floor(memoryBytes / KIB)}`]),
    ...(writesFile ? [] : ['ulimit -f 0']),
    'ulimit -c 0',
    'exec "$0" "$@"',
  ];
  return [path, '-c', script.join('; ')];
}

function networkArguments(path: string): string[] {
  return [path, ...(isRoot ? [] : ['--user', '--map-current-user']), '--net', '--'];
}

function privilegeArguments(
  { path, changesUser }: NonNullable<Confinement['privileges']>,
  { filePaths }: ConfinedRun,
): string[] {
  const none = ['--no-new-privs', '--inh-caps=-all'];
  if (!isRoot) return [path, ...none, '--'];
  const user = ['--reuid', UNPRIVILEGED_ID, '--regid', UNPRIVILEGED_ID, '--clear-groups'];
  if (changesUser && filePaths.every(isOpenToAll)) {
    return [path, ...user, ...none, '--bounding-set=-all', '--'];
  }
  // Root without privileges reads what root owns, and no one else's secrets.
  const isEnough = filePaths.every(isOwn);
  return [path, ...none, ...(isEnough ? ['--bounding-set=-all'] : []), '--'];
}

/** True when every user may read the file where it lies. */
function isOpenToAll(filePath: string): boolean {
  try {
    const real = realpathSync(filePath);
    if ((statSync(real).mode & 0o004) === 0) return false;
    for (let folder = dirname(real); ; folder = dirname(folder)) {
      if ((statSync(folder).mode & 0o001) === 0) return false;
      if (folder === dirname(folder)) return true;
    }
  } catch {
    return false;
  }
}

function isOwn(filePath: string): boolean {
  return statSync(filePath, { throwIfNoEntry: false })?.uid === process.getuid?.();
}

/** Where programs and what they load may lie. */
const SYSTEM_FOLDERS = ['/bin', '/sbin', '/lib', '/lib64', '/lib32', '/nix', '/opt', '/etc/alternatives'];

function sandboxArguments(path: string, { program, filePaths }: ConfinedRun): string[] {
  const real = realpathSync(program);
  return [
    path,
    ...['--unshare-all', '--die-with-parent', '--clearenv', '--setenv', 'LC_ALL', 'C'],
    ...['--setenv', 'AV_LOG_FORCE_NOCOLOR', '1', '--setenv', 'MALLOC_ARENA_MAX', '2'],
    ...['--ro-bind', '/usr', '/usr'],
    ...SYSTEM_FOLDERS.flatMap((folder) => ['--ro-bind-try', folder, folder]),
    ...['--ro-bind-try', '/etc/ld.so.cache', '/etc/ld.so.cache'],
    ...['--dev', '/dev', '--tmpfs', '/tmp', '--chdir', '/tmp'],
    ...['--ro-bind', real, program],
    ...filePaths.flatMap((filePath) => ['--ro-bind', realpathSync(filePath), filePath]),
    '--',
  ];
}
