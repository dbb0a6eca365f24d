import type { MessagePort } from 'node:worker_threads';
import { CliptraceError, errorCodeOf, errorMessageOf } from '../errors.js';
import type { Reply } from './call-protocol.js';

/** In the thread that is called: posts what the work answers, or the error that it throws. */
export async function answerCall(
  port: MessagePort,
  call: { id: number },
  work: () => Promise<unknown>,
): Promise<void> {
  let reply: Reply;
  try {
    reply = { id: call.id, answer: await work() };
  } catch (error) {
    const details = error instanceof CliptraceError ? { ...error.details } : {};
    reply = { id: call.id, error: { code: errorCodeOf(error), message: errorMessageOf(error), details } };
  }
  port.postMessage(reply);
}
