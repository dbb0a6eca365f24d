import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cp, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type OpenedCliptrace, openCliptrace } from '../../index/cliptrace.js';
import type { FileOutcome, Job, JobFile } from '../../index/library/types.js';
import { readSettings } from '../../index/settings.js';

export const PROJECT_ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const SAMPLES_FOLDER = path.join(PROJECT_ROOT, 'index/samples');

/** A folder of its own: archive, data folder and whatever else a test needs. */
export interface Workspace {
  root: string;
  archive: string;
  data: string;
  /** Copies a sample video into the archive and returns its path. */
  addSample(sample: string, name?: string): Promise<string>;
  /** The product on this data folder, without a process of its own. */
  open(mode?: 'read' | 'write', env?: Record<string, string>): Promise<OpenedCliptrace>;
  /** The same, for as long as the work takes. */
  opened<T>(work: (cliptrace: OpenedCliptrace) => Promise<T>): Promise<T>;
  /** The command line as a process. `build-once.ts` has seen to it that dist/ is that of the sources. */
  cli(args: readonly string[], options?: CliOptions): Promise<CliResult>;
  remove(): void;
}

export interface CliOptions {
  env?: Record<string, string>;
  /** SIGKILL to the process (or to its whole group) after so long. */
  killAfterMs?: number;
  /** SIGKILL as soon as stderr matches. */
  killWhen?: RegExp;
  killGroup?: boolean;
  /** Everything that stderr held so far, whenever it grows. */
  onStderr?: (text: string) => void;
}

export interface CliResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

export function createWorkspace(): Workspace {
  const root = mkdtempSync(path.join(tmpdir(), 'cliptrace-test-'));
  const archive = path.join(root, 'archive');
  const data = path.join(root, 'data');
  const open: Workspace['open'] = (mode = 'write', added = {}) => {
    const env = { ...process.env, ...added };
    return openCliptrace({ settings: readSettings(env, { data }), env, mode });
  };
  return {
    root,
    archive,
    data,
    addSample: async (sample, name = sample) => {
      const target = path.join(archive, name);
      await mkdir(path.dirname(target), { recursive: true });
      await cp(path.join(SAMPLES_FOLDER, sample), target);
      return target;
    },
    open,
    opened: async (work) => {
      const cliptrace = await open();
      try {
        return await work(cliptrace);
      } finally {
        await cliptrace.close();
      }
    },
    cli: (args, options) => runCli(args, data, options),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Indexes in this process; the outcome of every file, by its path. */
export async function indexInto(
  cliptrace: OpenedCliptrace,
  paths: readonly string[],
  options: { collection?: string; labelFrom?: 'folder'; prune?: boolean } = {},
): Promise<{ job: Job; files: JobFile[]; outcomeOf(file: string): FileOutcome | undefined }> {
  const submitted = await cliptrace.jobs.submit({
    type: 'index',
    paths: [...paths],
    collection: options.collection ?? 'default',
    labelFrom: options.labelFrom ?? null,
    prune: options.prune ?? false,
  });
  const job = await cliptrace.jobs.run(submitted);
  const files = await cliptrace.library.jobFiles(job.id);
  return { job, files, outcomeOf: (file) => files.find((one) => one.path === file)?.outcome };
}

function runCli(args: readonly string[], data: string, options: CliOptions = {}): Promise<CliResult> {
  const child = spawn(process.execPath, [path.join(PROJECT_ROOT, 'dist/index/cli.js'), ...args], {
    cwd: PROJECT_ROOT,
    env: { ...process.env, CLIPTRACE_DATA: data, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    options.onStderr?.(stderr);
    if (options.killWhen?.test(stderr)) kill(child.pid, options.killGroup === true);
  });
  const timer =
    options.killAfterMs === undefined
      ? undefined
      : setTimeout(() => kill(child.pid, options.killGroup === true), options.killAfterMs);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr });
    });
  });
}

function kill(pid: number | undefined, group: boolean): void {
  if (pid === undefined) return;
  try {
    process.kill(group ? -pid : pid, 'SIGKILL');
  } catch {
    // It had ended already.
  }
}
