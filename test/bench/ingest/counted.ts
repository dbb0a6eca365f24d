import { spawn } from 'node:child_process';

export interface Counted {
  stdout: string;
  wallMs: number;
  /** User and system time of the process and of all that it started and waited for. */
  cpuMs: number;
}

export interface CountedCommand {
  command: string;
  args: readonly string[];
  env?: NodeJS.ProcessEnv;
  /** Exit codes that are no failure; 0 unless told. */
  goodCodes?: readonly number[];
}

/** Runs a command under a shell, which is told by the kernel what its children took. Throws with stderr unless it ends well. */
export async function runCounted({ command, args, env, goodCodes = [0] }: CountedCommand): Promise<Counted> {
  const script = '"$@" 3>&-; code=$?; times >&3; exit $code';
  const startedAt = performance.now();
  const child = spawn('/bin/sh', ['-c', script, 'sh', command, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const [stdout, stderr, times] = [1, 2, 3].map((descriptor) => {
    const chunks: Buffer[] = [];
    child.stdio[descriptor]?.on('data', (bytes: Buffer) => chunks.push(bytes));
    return () => Buffer.concat(chunks).toString();
  }) as [() => string, () => string, () => string];
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const wallMs = performance.now() - startedAt;
  if (code === null || !goodCodes.includes(code))
    throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${stderr().slice(-2000)}`);
  return { stdout: stdout(), wallMs, cpuMs: childrenMs(times()) };
}

/** The second line of what `times` prints: user and system time of children, e.g. `0m1.250s 0m0.310s`. */
function childrenMs(text: string): number {
  const line = text.trim().split('\n')[1] ?? '';
  const parts = [...line.matchAll(/(\d+)m([\d.]+)s/g)];
  if (parts.length !== 2) throw new Error(`The shell's "times" printed ${JSON.stringify(text)}`);
  return parts.reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60_000 + Number(seconds) * 1000,
    0,
  );
}
