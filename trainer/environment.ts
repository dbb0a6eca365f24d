import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const MINIMUM_MINOR = 11;

/** A failure that its reader can mend: a stable code, and a message with the remedy. */
export class EnvironmentError extends Error {
  readonly code: 'PYTHON_MISSING' | 'ENVIRONMENT_FAILED';

  constructor(code: EnvironmentError['code'], message: string) {
    super(`${code}: ${message}`);
    this.name = 'EnvironmentError';
    this.code = code;
  }
}

export interface EnvironmentOptions {
  /** Folder that holds pyproject.toml; the environment is its `.venv`. */
  readonly trainerFolder: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
}

/**
 * The path of the trainer's own Python. Creates the virtual environment when it is missing, and installs again
 * when pyproject.toml or the Python program has changed since the last complete install.
 */
export async function ensureEnvironment(options: EnvironmentOptions): Promise<string> {
  const { trainerFolder, say } = options;
  const folder = join(trainerFolder, '.venv');
  const python = pythonOf(folder);
  const stampFile = join(folder, 'cliptrace-stamp');
  const project = readFileSync(join(trainerFolder, 'pyproject.toml'), 'utf8');
  const stamp = createHash('sha256').update(`${folder}\n${project}`).digest('hex');
  if (existsSync(python) && existsSync(stampFile) && readFileSync(stampFile, 'utf8').trim() === stamp) {
    return python;
  }
  const base = findPython(options.environment);
  say(`Installing the trainer into ${folder} (PyTorch is large; this is done once)`);
  if (!existsSync(python)) {
    // What a stopped run left half made would only fail later.
    rmSync(folder, { recursive: true, force: true });
    await runOrFail({ command: base, args: ['-m', 'venv', folder], remedy: 'install the venv module' });
  }
  await runOrFail({
    command: python,
    args: ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-e', `${trainerFolder}[dev]`],
    remedy: 'check the connection to the Python package index and run the command again',
  });
  writeFileSync(stampFile, `${stamp}\n`);
  return python;
}

/** The first Python new enough: CLIPTRACE_PYTHON, python3, python. Throws PYTHON_MISSING. */
export function findPython(environment: NodeJS.ProcessEnv): string {
  const named = environment.CLIPTRACE_PYTHON;
  const candidates = named ? [named] : ['python3', 'python'];
  const code = `import sys; sys.exit(sys.version_info < (3, ${MINIMUM_MINOR}))`;
  for (const candidate of candidates) {
    if (spawnSync(candidate, ['-c', code], { env: environment, stdio: 'ignore' }).status === 0) {
      return candidate;
    }
  }
  throw new EnvironmentError(
    'PYTHON_MISSING',
    `none of ${candidates.join(', ')} is Python 3.${MINIMUM_MINOR} or newer; ` +
      'install it, or set CLIPTRACE_PYTHON to its program',
  );
}

function pythonOf(folder: string): string {
  return process.platform === 'win32' ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python');
}

interface Step {
  readonly command: string;
  readonly args: readonly string[];
  readonly remedy: string;
}

function runOrFail({ command, args, remedy }: Step): Promise<void> {
  return new Promise((resolve, reject) => {
    const shown = [command, ...args].join(' ');
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('error', (cause) => {
      reject(new EnvironmentError('ENVIRONMENT_FAILED', `${shown}: ${cause.message}; ${remedy}`));
    });
    child.once('close', (status) => {
      if (status === 0) {
        resolve();
      } else {
        reject(new EnvironmentError('ENVIRONMENT_FAILED', `${shown} ended with ${status}; ${remedy}`));
      }
    });
  });
}
