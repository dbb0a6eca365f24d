import type { JobFileJson, JobJson } from '../schemas/jobs.js';
import { RequestFailed } from './errors.js';
import type { Transport } from './transport.js';
import type { FollowOptions } from './types.js';

export type JobEvent =
  | { type: 'progress'; id: number; job: JobJson }
  | { type: 'file'; id: number; job: JobJson; file: JobFileJson }
  | { type: 'end'; id: number; job: JobJson };

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/**
 * What happens to a job, until it has ended. A connection that breaks is made again, and nothing is missed. Throws
 * RequestFailed for a refusal, Cancelled.
 */
export async function* followJob(
  transport: Transport,
  jobId: number,
  { signal, lastEventId }: FollowOptions,
): AsyncGenerator<JobEvent, void> {
  let last = lastEventId ?? null;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      const response = await transport.send({
        method: 'GET',
        path: `/jobs/${jobId}/events`,
        headers: last === null ? {} : { 'Last-Event-ID': String(last) },
        signal,
      });
      // The job has ended, and its last event is known.
      if (response.status === 204 || response.body === null) return;
      for await (const event of readEvents(response.body)) {
        last = event.id;
        pauseMs = FIRST_PAUSE_MS;
        yield event;
        if (event.type === 'end') return;
      }
    } catch (error) {
      if (!isPassing(error)) throw error;
    }
    await pause(pauseMs, signal);
  }
}

/** Worth another attempt: no answer, a broken line, a server that is busy or starting. */
function isPassing(error: unknown): boolean {
  if (error instanceof RequestFailed)
    return error.status === null || error.status === 429 || error.status >= 502;
  return error instanceof TypeError;
}

async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<JobEvent, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      text += decoder.decode(value, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const event = readEvent(block);
        if (event !== null) yield event;
      }
    }
  } finally {
    // Also when who reads the events wants no more of them.
    await reader.cancel().catch(() => undefined);
  }
}

/** Null for a comment. */
function readEvent(block: string): JobEvent | null {
  const fields = new Map<string, string>();
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trimStart());
  }
  const data = fields.get('data');
  if (data === undefined) return null;
  return { type: fields.get('event'), id: Number(fields.get('id')), ...JSON.parse(data) } as JobEvent;
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
    if (signal?.aborted) done();
  });
}
