import type { ReadinessJson } from '../../schemas/health.js';
import type { JobFileJson, JobJson, JobWithFilesJson } from '../../schemas/jobs.js';
import type { Problem } from '../../schemas/problem.js';
import type { SearchAnswerJson } from '../../schemas/search.js';
import type { CollectionListJson, VideoPageJson } from '../../schemas/videos.js';

const PREFIX = '/api/v1';

/** What the server refused, or that it did not answer. */
export class RequestFailed extends Error {
  readonly problem: Pick<Problem, 'title' | 'detail' | 'code' | 'instance'> | null;

  constructor(problem: RequestFailed['problem']) {
    super(problem === null ? 'The server does not answer. Check that it is running.' : problem.detail);
    this.problem = problem;
  }
}

/** The person changed their mind. */
export class Cancelled extends Error {}

export function listCollections(): Promise<CollectionListJson> {
  return call('GET', '/collections');
}

export function listVideos(query: Record<string, string>): Promise<VideoPageJson> {
  const given = Object.entries(query).filter(([, value]) => value !== '');
  return call('GET', `/videos?${new URLSearchParams(given)}`);
}

export function removeVideo(id: number): Promise<void> {
  return call('DELETE', `/videos/${id}`);
}

export function listJobs(): Promise<{ jobs: JobJson[] }> {
  return call('GET', '/jobs?limit=20');
}

export function getJob(id: number): Promise<JobWithFilesJson> {
  return call('GET', `/jobs/${id}`);
}

/** Indexes a folder of the machine that the server runs on. */
export function indexFolder(body: {
  path: string;
  collection?: string;
  labelFrom?: 'folder';
}): Promise<JobJson> {
  return call('POST', '/jobs', {
    body: JSON.stringify({ type: 'index', ...body }),
    headers: { 'Content-Type': 'application/json' },
  });
}

export function controlJob(id: number, command: 'pause' | 'resume' | 'cancel'): Promise<JobJson> {
  return call('POST', `/jobs/${id}/${command}`);
}

export async function readiness(): Promise<ReadinessJson> {
  const response = await reach('/readyz', {});
  return (await response.json()) as ReadinessJson;
}

export function searchByVideo(body: object, signal: AbortSignal): Promise<SearchAnswerJson> {
  return call('POST', '/search', {
    body: JSON.stringify(body),
    headers: { 'Content-Type': 'application/json' },
    signal,
  });
}

/** Sends a form with a file. `onProgress` is told the part that has been sent, 0 to 1. */
export function sendForm<T>(
  address: '/search' | '/videos',
  form: FormData,
  signal: AbortSignal,
  onProgress: (sent: number) => void,
): Promise<T> {
  // fetch does not tell how much of a body has been sent.
  const request = new XMLHttpRequest();
  return new Promise<T>((resolve, reject) => {
    request.open('POST', PREFIX + address);
    request.responseType = 'json';
    request.upload.addEventListener('progress', (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    request.addEventListener('load', () => {
      if (request.status < 300) resolve(request.response as T);
      else reject(new RequestFailed(request.response as Problem | null));
    });
    request.addEventListener('error', () => reject(new RequestFailed(null)));
    request.addEventListener('abort', () => reject(new Cancelled()));
    signal.addEventListener('abort', () => request.abort(), { once: true });
    request.send(form);
  });
}

export interface JobListener {
  onChange(job: JobJson): void;
  onFile?(file: JobFileJson): void;
  onEnd(job: JobJson): void;
}

/** Follows a job until it ends. A browser that lost the connection connects again and is told what it missed. */
export function followJob(id: number, listener: JobListener): () => void {
  const source = new EventSource(`${PREFIX}/jobs/${id}/events`);
  source.addEventListener('progress', (event) => listener.onChange(dataOf<{ job: JobJson }>(event).job));
  source.addEventListener('file', (event) => {
    const { job, file } = dataOf<{ job: JobJson; file: JobFileJson }>(event);
    listener.onChange(job);
    listener.onFile?.(file);
  });
  source.addEventListener('end', (event) => {
    source.close();
    listener.onEnd(dataOf<{ job: JobJson }>(event).job);
  });
  return () => source.close();
}

function dataOf<T>(event: MessageEvent<string>): T {
  return JSON.parse(event.data) as T;
}

async function call<T>(method: string, address: string, init: RequestInit = {}): Promise<T> {
  const response = await reach(address, { ...init, method });
  if (!response.ok) throw new RequestFailed(await problemOf(response));
  return (response.status === 204 ? undefined : await response.json()) as T;
}

async function reach(address: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(PREFIX + address, init);
  } catch (_error) {
    if (init.signal?.aborted) throw new Cancelled();
    throw new RequestFailed(null);
  }
}

async function problemOf(response: Response): Promise<Problem | null> {
  const isProblem = response.headers.get('Content-Type')?.includes('problem+json') === true;
  return isProblem ? ((await response.json()) as Problem) : null;
}
