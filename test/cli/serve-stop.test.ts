import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { wrapFfmpeg } from '../helpers/ffmpeg-wrapper.js';
import { createWorkspace, PROJECT_ROOT, type Workspace } from '../helpers/workspace.js';

let workspace: Workspace;

beforeEach(() => {
  workspace = createWorkspace();
});

afterEach(() => workspace.remove());

interface Process {
  url: string;
  pid: number;
  signal(name: NodeJS.Signals): void;
  ended: Promise<number | null>;
}

async function start(env: Record<string, string>): Promise<Process> {
  const child = spawn(process.execPath, ['dist/index/cli.js', 'serve', '--port', '0'], {
    cwd: PROJECT_ROOT,
    env: { ...process.env, CLIPTRACE_DATA: workspace.data, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const url = await new Promise<string>((resolve, reject) => {
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const at = /Cliptrace is at (\S+)/.exec(said)?.[1];
      if (at) resolve(at);
    });
    void ended.then((code) => reject(new Error(`serve ended with ${code}: ${said}`)));
  });
  return { url, pid: child.pid as number, signal: (name) => child.kill(name), ended };
}

/** A job that ffmpeg holds up, an event stream, and an upload whose sender has stopped. */
async function keepBusy(url: string): Promise<void> {
  const api = `${url}/api/v1`;
  const body = JSON.stringify({ type: 'index', path: workspace.archive });
  const headers = { 'Content-Type': 'application/json' };
  const job = (await (await fetch(`${api}/jobs`, { method: 'POST', headers, body })).json()) as {
    id: number;
  };
  await expect
    .poll(async () => ((await (await fetch(`${api}/jobs/${job.id}`)).json()) as { status: string }).status, {
      timeout: 30_000,
    })
    .toBe('running');
  void fetch(`${api}/jobs/${job.id}/events`).then(
    (response) => response.text().catch(() => undefined),
    () => undefined,
  );
  const { port, hostname } = new URL(url);
  const socket = connect(Number(port), hostname).on('error', () => undefined);
  socket.write(
    'POST /api/v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n' +
      'Content-Length: 100000\r\n\r\n--x\r\nContent-Disposition: form-data; name="clip"; filename="a.mp4"\r\n\r\nbytes',
  );
  // The server has begun to receive it.
  await new Promise((resolve) => setTimeout(resolve, 300));
}

async function busyServer(): Promise<Process> {
  for (const name of ['people-detection.mp4', 'bottle-detection.mp4']) await workspace.addSample(name);
  const FFMPEG_PATH = await wrapFfmpeg(
    `${workspace.root}/slow`,
    'case "$all" in *rawvideo*) sleep 120 ;; esac',
  );
  const served = await start({
    FFMPEG_PATH,
    CLIPTRACE_ARCHIVE_ROOTS: workspace.archive,
    CLIPTRACE_CONFINE: 'off',
  });
  await keepBusy(served.url);
  return served;
}

it('SIGTERM ends a busy server in time: the job is queued again, nothing is left behind, and the next start goes on', async () => {
  const served = await busyServer();
  const startedAt = performance.now();
  served.signal('SIGTERM');
  expect(await served.ended).toBe(0);
  // What is promised, 10 s, and what a loaded machine may add.
  expect(performance.now() - startedAt).toBeLessThan(15_000);
  const reopened = await workspace.open('write');
  try {
    const [job] = await reopened.library.listJobs(1);
    expect(job).toMatchObject({ status: 'queued', error: null });
    expect((await reopened.jobs.run(job as NonNullable<typeof job>)).progress.filesDone).toBe(2);
  } finally {
    await reopened.close();
  }
});

it('a second signal ends it at once', async () => {
  const served = await busyServer();
  served.signal('SIGTERM');
  await new Promise((resolve) => setTimeout(resolve, 300));
  const startedAt = performance.now();
  served.signal('SIGTERM');
  expect(await served.ended).toBe(1);
  expect(performance.now() - startedAt).toBeLessThan(3000);
  // The library is whole, and its lock is free.
  await (await workspace.open('write')).close();
});
