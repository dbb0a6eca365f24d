import { spawn } from 'node:child_process';
import { constants } from 'node:os';

const FORWARDED: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
// A terminal, npm and tsx may each hand on the same Ctrl-C; a second one means "at once" to the trainer.
const REPEAT_MS = 500;

/** Run Python with this process's terminal; signals go through once each. Resolves with the exit code. */
export function runPython(python: string, args: readonly string[], cwd: string): Promise<number> {
  return new Promise((resolve, reject) => {
    // Its own group: the terminal's Ctrl-C then reaches it through us alone.
    const child = spawn(python, args, { cwd, stdio: 'inherit', detached: process.platform !== 'win32' });
    const sentAt = new Map<NodeJS.Signals, number>();
    const forward = (signal: NodeJS.Signals): void => {
      const now = Date.now();
      if (now - (sentAt.get(signal) ?? Number.NEGATIVE_INFINITY) >= REPEAT_MS) {
        sentAt.set(signal, now);
        child.kill(signal);
      }
    };
    for (const signal of FORWARDED) process.on(signal, forward);
    child.once('error', reject);
    child.once('close', (status, signal) => {
      for (const name of FORWARDED) process.off(name, forward);
      resolve(status ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}
