import { type ChildProcess, spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { CliptraceError } from '../errors.js';
import { explainWriteError } from '../storage-errors.js';
import { confinedCommand, NO_CONFINEMENT } from './confinement.js';
import { shownName } from './file-name.js';
import { OrphanGuard } from './orphan-guard.js';
import { StderrText } from './stderr-text.js';
import type { FfmpegProgram } from './types.js';

export interface FfmpegRun {
  ffmpeg: Pick<FfmpegProgram, 'path' | 'confinement'>;
  args: readonly string[];
  /** The file that the run is about, for messages. */
  filePath: string;
  timeoutMs: number | null;
  stallTimeoutMs: number;
  /** Null = unbounded. They hold where the system offers it. */
  cpuSeconds?: number | null | undefined;
  memoryBytes?: number | null | undefined;
  /** It writes a file itself; one for which `forWriting` has made the confinement. */
  writesFile?: boolean | undefined;
  signal?: AbortSignal | undefined;
  /** Further files that it needs. */
  moreFilePaths?: readonly string[] | undefined;
  /**
   * Further outputs, from descriptor 3 on: `pipe` is read here, a number is an open file to which it is copied, because the child
   * itself may write to no file.
   */
  extra?: readonly ('pipe' | number)[] | undefined;
}

export interface ChildEnd {
  /** Null when a signal ended it. */
  exitCode: number | null;
  exitSignal: NodeJS.Signals | null;
}

/** What a program needs to start at all. FFREPORT and the like must not reach it: they make ffmpeg write files. */
const PASSED_VARIABLES = [
  'PATH',
  'LD_LIBRARY_PATH',
  'DYLD_LIBRARY_PATH',
  'SystemRoot',
  'TEMP',
  'TMP',
  'TMPDIR',
];

const liveChildren = new Set<FfmpegChild>();
const guard = new OrphanGuard();
let exitHandlerSet = false;

/**
 * One ffmpeg process: no shell, no stdin, a process group of its own that is killed as a whole when it is
 * aborted, late or stalled. Whoever starts one must `stop()` it in a `finally`.
 * A child also ends when this process is killed, alone or with its group: see `OrphanGuard`.
 */
export class FfmpegChild {
  readonly stderr = new StderrText();
  readonly #run: FfmpegRun;
  readonly #child: ChildProcess;
  /** stdout, then the further pipes in their order. */
  readonly #outputs: readonly Readable[];
  /** Outputs that are copied to files. */
  readonly #copies: readonly Readable[];
  readonly #closed: Promise<void>;
  readonly #timeout: NodeJS.Timeout | null;
  #end: ChildEnd | null = null;
  #isClosed = false;
  #isKilled = false;
  #failure: Error | null = null;
  /** Who waits for each output, and last for the end. */
  readonly #waiting: readonly Set<() => void>[];
  /** `performance.now()` of the last sign of life, or of when somebody began to wait for one. */
  #aliveAt = 0;
  #stallTimer: NodeJS.Timeout | null = null;

  constructor(run: FfmpegRun) {
    if (run.signal?.aborted) throw cancelled(run);
    this.#run = run;
    const { file, args } = confinedCommand(run.ffmpeg.confinement ?? NO_CONFINEMENT, {
      program: run.ffmpeg.path,
      args: run.args,
      filePaths: [run.filePath, ...(run.moreFilePaths ?? [])].map((one) => resolve(one)),
      cpuSeconds: run.cpuSeconds ?? null,
      memoryBytes: run.memoryBytes ?? null,
      writesFile: run.writesFile,
    });
    this.#child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe', ...(run.extra ?? []).map(() => 'pipe' as const)],
      env: childEnvironment(run),
      cwd: workingFolder(run),
      // A group of its own (and no Ctrl-C from the terminal: we decide how it ends).
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
    // There are no pipes where the process could not be made for want of file descriptors; 'error' follows.
    const pipeOf = (descriptor: number) =>
      (this.#child.stdio?.[descriptor] as Readable | null | undefined) ?? Readable.from([]);
    const extra = (run.extra ?? []).map((target, i) => ({ target, pipe: pipeOf(3 + i) }));
    this.#outputs = [pipeOf(1), ...extra.filter(({ target }) => target === 'pipe').map(({ pipe }) => pipe)];
    this.#waiting = [...this.#outputs, null].map(() => new Set());
    this.#copies = extra.flatMap(({ target, pipe }) => (target === 'pipe' ? [] : [pipe]));
    for (const { target, pipe } of extra) if (target !== 'pipe') this.#copy(pipe, target);
    this.#closed = new Promise((resolve) => this.#watch(resolve));
    this.#timeout =
      run.timeoutMs === null ? null : setTimeout(() => this.#fail(tookTooLong(run)), run.timeoutMs);
    run.signal?.addEventListener('abort', this.#onAbort);
    liveChildren.add(this);
    if (this.#child.pid !== undefined) guard.add(this.#child.pid);
    killLiveChildrenAtExit();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /**
   * The next bytes of stdout, or of a further output (from 1); null at its end.
   * Throws CANCELLED, DECODE_TIMEOUT, FFMPEG_NOT_USABLE.
   */
  async read(output = 0): Promise<Buffer | null> {
    const stream = this.#outputs[output] as Readable;
    for (;;) {
      if (this.#failure) throw this.#failure;
      const bytes = stream.read() as Buffer | null;
      if (bytes !== null) return bytes;
      if (stream.readableEnded || stream.destroyed) return null;
      await this.#nextEvent(output);
    }
  }

  /** Throws away what still comes from an output, so that the child does not wait for a reader of it. */
  discard(output: number): void {
    this.#outputs[output]?.resume();
  }

  /** Waits for the end of the process; its outputs must have been read. Throws like `read`. */
  async wait(): Promise<ChildEnd> {
    while (!this.#isClosed) {
      if (this.#failure) throw this.#failure;
      await this.#nextEvent(this.#outputs.length);
    }
    if (this.#failure) throw this.#failure;
    return this.#end ?? { exitCode: null, exitSignal: null };
  }

  /** Kills the group when it still runs, and resolves when the child is reaped. Safe to call twice. */
  async stop(): Promise<void> {
    this.kill();
    await this.#closed;
  }

  kill(): void {
    this.#isKilled = true;
    if (this.#end === null && this.#child.pid !== undefined) {
      try {
        if (process.platform === 'win32') this.#child.kill('SIGKILL');
        else process.kill(-this.#child.pid, 'SIGKILL');
      } catch {
        // Ended in between: there is nothing left to kill.
      }
    }
    // A reader that stops here needs nothing more; an unread pipe would keep 'close' from coming.
    for (const output of [...this.#outputs, ...this.#copies]) output.destroy();
    this.#child.stderr?.destroy();
  }

  readonly #onAbort = (): void => this.#fail(cancelled(this.#run));

  #fail(error: Error): void {
    if (this.#isClosed) return;
    this.#failure ??= error;
    this.kill();
    this.#wakeAll();
  }

  /** DISK_FULL or DATA_FOLDER_NOT_WRITABLE end the run. */
  #copy(pipe: Readable, file: number): void {
    pipe.on('error', () => undefined);
    pipe.on('data', (bytes: Buffer) => {
      try {
        for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
      } catch (error) {
        this.#fail(explainWriteError(error, `The pictures of ${shownName(this.#run.filePath)}`) as Error);
      }
    });
  }

  #watch(resolve: () => void): void {
    for (const [i, output] of this.#outputs.entries()) {
      const wake = (): void => this.#wake(i);
      for (const event of ['readable', 'end', 'close', 'error']) output.on(event, wake);
    }
    this.#child.stderr?.on('data', (bytes: Buffer) => this.stderr.push(bytes));
    this.#child.on('error', (cause) => {
      this.#failure ??= cannotStart(this.#run, cause);
      if (this.#child.pid === undefined) this.#close(resolve);
    });
    this.#child.on('exit', (exitCode, exitSignal) => {
      this.#end = { exitCode, exitSignal };
      if (wasKilled(exitCode, exitSignal) && !this.#isKilled) this.#failure ??= killedBySystem(this.#run);
      if (this.#child.pid !== undefined) guard.remove(this.#child.pid);
    });
    this.#child.on('close', () => this.#close(resolve));
  }

  #close(resolve: () => void): void {
    this.#isClosed = true;
    if (this.#timeout) clearTimeout(this.#timeout);
    if (this.#stallTimer) clearTimeout(this.#stallTimer);
    this.#run.signal?.removeEventListener('abort', this.#onAbort);
    liveChildren.delete(this);
    this.#wakeAll();
    resolve();
  }

  /** Resolves at the next event of the output or, for the number behind the last of them, at the end. */
  #nextEvent(output: number): Promise<void> {
    if (this.#waiting.every((waiting) => waiting.size === 0)) this.#aliveAt = performance.now();
    this.#stallTimer ??= setTimeout(this.#onStallTimer, this.#run.stallTimeoutMs);
    return new Promise((resolve) => {
      this.#waiting[output]?.add(resolve);
    });
  }

  /** One timer for all who wait: nothing from any output within the stall limit is a failure. */
  readonly #onStallTimer = (): void => {
    this.#stallTimer = null;
    if (this.#isClosed || this.#waiting.every((waiting) => waiting.size === 0)) return;
    // The child may be waiting for us to read another of its outputs: that is no stall of its own.
    if (this.#outputs.some((output) => output.readableLength > 0)) this.#aliveAt = performance.now();
    const restMs = this.#aliveAt + this.#run.stallTimeoutMs - performance.now();
    if (restMs > 0) this.#stallTimer = setTimeout(this.#onStallTimer, restMs);
    else this.#fail(stalled(this.#run));
  };

  /** Only who waits for this output: of eight files in one process, seven have nothing to do with it. */
  #wake(output: number): void {
    this.#aliveAt = performance.now();
    const waiting = this.#waiting[output] as Set<() => void>;
    const resolves = [...waiting];
    waiting.clear();
    for (const resolve of resolves) resolve();
  }

  #wakeAll(): void {
    for (const output of this.#waiting.keys()) this.#wake(output);
  }
}

/** 128 + 9 is what a shell or a sandbox makes of the signal. */
function wasKilled(exitCode: number | null, exitSignal: NodeJS.Signals | null): boolean {
  return exitSignal === 'SIGKILL' || exitSignal === 'SIGXCPU' || exitCode === 137;
}

/** Beside the file: of an upload, the folder that is its own and goes with it. It cannot be written where limits hold. */
function workingFolder({ filePath, ffmpeg }: FfmpegRun): string | undefined {
  return ffmpeg.confinement === undefined ? undefined : dirname(resolve(filePath));
}

function childEnvironment(run: FfmpegRun): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = {
    LC_ALL: 'C',
    AV_LOG_FORCE_NOCOLOR: '1',
    // Each arena of glibc reserves address space, one a thread, which is bounded.
    MALLOC_ARENA_MAX: '2',
  };
  for (const name of PASSED_VARIABLES) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  const folder = workingFolder(run);
  if (folder !== undefined) environment.TMPDIR = folder;
  return environment;
}

function killLiveChildrenAtExit(): void {
  if (exitHandlerSet) return;
  exitHandlerSet = true;
  process.on('exit', () => {
    for (const child of liveChildren) child.kill();
  });
}

function cancelled(run: FfmpegRun): CliptraceError {
  return new CliptraceError('CANCELLED', `Reading ${shownName(run.filePath)} was cancelled.`, {
    cause: run.signal?.reason,
  });
}

function tookTooLong(run: FfmpegRun): CliptraceError {
  return new CliptraceError(
    'DECODE_TIMEOUT',
    `${shownName(run.filePath)}: ffmpeg did not finish within ${run.timeoutMs} ms and was stopped. ` +
      'Use a shorter file or raise the time limit.',
    { details: { timeoutMs: run.timeoutMs } },
  );
}

function killedBySystem(run: FfmpegRun): CliptraceError {
  const bound = run.cpuSeconds == null ? '' : `it took more than ${run.cpuSeconds} s of processor time, or `;
  return new CliptraceError(
    'DECODE_TIMEOUT',
    `${shownName(run.filePath)}: ffmpeg was killed by the system: ${bound}the machine has too little memory. ` +
      'Use a shorter or smaller file.',
    { details: { cpuSeconds: run.cpuSeconds ?? null } },
  );
}

function stalled(run: FfmpegRun): CliptraceError {
  return new CliptraceError(
    'DECODE_TIMEOUT',
    `${shownName(run.filePath)}: ffmpeg gave nothing for ${run.stallTimeoutMs} ms and was stopped. ` +
      'The file may be damaged, or its disk may not answer.',
    { details: { stallTimeoutMs: run.stallTimeoutMs } },
  );
}

function cannotStart(run: FfmpegRun, cause: Error): CliptraceError {
  return new CliptraceError(
    'FFMPEG_NOT_USABLE',
    `${run.ffmpeg.path} cannot be started (${cause.message}). Set FFMPEG_PATH to an ffmpeg program that works.`,
    { cause },
  );
}
