import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { PROJECT_ROOT } from './workspace.js';

export interface Served {
  /** `http://…/api/v1` */
  api: string;
  pid: number;
  stderr(): string;
  /** As Ctrl-C does; resolves to the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

/** `cliptrace serve` as a process of its own, on a free port (of dist/, which starts in a third of the time). Throws what it said when it ends before it listens. */
export async function serve(data: string, env: Record<string, string> = {}): Promise<Served> {
  const args = [path.join(PROJECT_ROOT, 'dist/index/cli.js'), 'serve', '--port', '0'];
  const child = spawn(process.execPath, args, {
    cwd: PROJECT_ROOT,
    env: { ...process.env, CLIPTRACE_DATA: data, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  let said = '';
  child.stdout.resume();
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const at = /Cliptrace is at (\S+)/.exec(said)?.[1];
      if (at) resolve(at);
    });
    void ended.then(([code]) => reject(new Error(`serve ended with ${code}: ${said}`)));
  });
  return {
    api: `${url}/api/v1`,
    pid: child.pid as number,
    stderr: () => said,
    stop: async () => {
      child.kill('SIGTERM');
      const [code] = await ended;
      return code as number | null;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
