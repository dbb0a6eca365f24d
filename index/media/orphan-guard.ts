import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Keeps the list of running groups, and kills what is on it when its stdin ends: with the process that holds the other end,
 * however that one ended. `read` gives whole lines only.
 */
const SCRIPT = `
trap '' INT TERM HUP
groups=
while read -r change group; do
  others=
  for one in $groups; do [ "$one" = "$group" ] || others="$others $one"; done
  case $change in add) groups="$others $group" ;; *) groups=$others ;; esac
done
for one in $groups; do kill -s KILL -- "-$one" 2>/dev/null; done
`;

/**
 * Kills the ffmpeg processes of this process when this process is killed itself. A child that writes would end by itself (its
 * stdout breaks); one that hangs, or searches a damaged file for a frame, would run for ever: measured, and neither a closed
 * stdin nor a closed stdout ended it. One shell for all children, in a session of its own, so that a signal to our whole group
 * spares it. Where there is no `sh`, nothing is guarded.
 */
export class OrphanGuard {
  readonly #groups = new Set<number>();
  #shell: ChildProcess | null = null;

  /** `group` is the id of a process group that this process started. */
  add(group: number): void {
    this.#groups.add(group);
    if (this.#shell) this.#tell(this.#shell, 'add', group);
    else this.#start();
  }

  remove(group: number): void {
    this.#groups.delete(group);
    if (this.#shell) this.#tell(this.#shell, 'remove', group);
  }

  #start(): void {
    if (process.platform === 'win32') return;
    const shell = spawn('/bin/sh', ['-c', SCRIPT], {
      stdio: ['pipe', 'ignore', 'ignore'],
      env: {},
      cwd: '/',
      detached: true,
    });
    const gone = () => {
      if (this.#shell === shell) this.#shell = null;
    };
    shell.on('error', gone).on('exit', gone);
    const { stdin } = shell as ChildProcess;
    // Too many open files: none was made, and the error is told later. The next group is another try.
    if (!stdin) return;
    stdin.on('error', gone);
    // It waits for us, not we for it.
    shell.unref();
    (stdin as unknown as { unref(): void }).unref();
    this.#shell = shell;
    for (const group of this.#groups) this.#tell(shell, 'add', group);
  }

  #tell(shell: ChildProcess, change: 'add' | 'remove', group: number): void {
    // A few bytes into an empty pipe: they are in the system's hands when this returns.
    shell.stdin?.write(`${change} ${group}\n`);
  }
}
