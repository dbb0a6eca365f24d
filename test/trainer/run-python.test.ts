import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { EnvironmentError, findPython } from '../../trainer/environment.js';

const root = path.resolve(import.meta.dirname, '../..');

function pythonOrNull(): string | null {
  try {
    return findPython(process.env);
  } catch {
    return null;
  }
}

const python = pythonOrNull();
if (python === null && process.env.CI) throw new Error('CI must have Python for these tests');

/** A process that hands `code` to runPython and ends with its exit code. */
function start(code: string) {
  const script = `
    import { runPython } from ${JSON.stringify(path.join(root, 'trainer/run-python.ts'))};
    process.exitCode = await runPython(${JSON.stringify(python)}, ['-c', ${JSON.stringify(code)}], process.cwd());
  `;
  const args = ['--import', 'tsx', '--input-type=module', '-e', script];
  return spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
}

describe.skipIf(python === null)('runPython', () => {
  it('passes the exit code through', async () => {
    const [status] = await once(start('raise SystemExit(7)'), 'close');
    expect(status).toBe(7);
  });

  it('sends one interrupt when the same one arrives several times, and waits for the end', async () => {
    const child = start(
      [
        'import signal, sys, time',
        'count = []',
        'signal.signal(signal.SIGINT, lambda *_: count.append(1))',
        'print("ready", flush=True)',
        'deadline = time.monotonic() + 1.2',
        'while time.monotonic() < deadline: time.sleep(0.05)',
        'sys.exit(40 + len(count))',
      ].join('\n'),
    );
    await once(child.stdout, 'data');
    for (let times = 0; times < 3; times += 1) child.kill('SIGINT');
    const [status] = await once(child, 'close');
    expect(status).toBe(41);
  });

  it('tells a death by signal as the shell does', async () => {
    const [status] = await once(start('import os, signal; os.kill(os.getpid(), signal.SIGKILL)'), 'close');
    expect(status).toBe(128 + 9);
  });
});

describe('findPython', () => {
  it('names the program that is not there, and the remedy', () => {
    const missing = path.join(mkdtempSync(path.join(tmpdir(), 'no-python-')), 'python');
    const find = () => findPython({ ...process.env, CLIPTRACE_PYTHON: missing });
    expect(find).toThrow(EnvironmentError);
    expect(find).toThrow(`PYTHON_MISSING: none of ${missing} is Python 3.11 or newer`);
  });
});
