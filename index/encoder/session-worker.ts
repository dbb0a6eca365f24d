import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { errorMessageOf } from '../errors.js';
import { ExitGuard } from './exit-guard.js';
import type { GraphValue, SessionReply, SessionRequest, SessionWorkerData } from './session-protocol.js';

const port = parentPort as MessagePort;
const { modelPath, threads, guard: shared } = workerData as SessionWorkerData;
const guard = new ExitGuard(shared);

const session = await open();
if (session) {
  // One after another: an inference uses every thread that it was given, and the end comes after the last.
  let queue: Promise<void> = Promise.resolve();
  port.on('message', (request: SessionRequest) => {
    queue = queue.then(() => answer(session, request));
  });
}

async function open(): Promise<InferenceSession | null> {
  try {
    const opened = await InferenceSession.create(modelPath, {
      executionProviders: ['cpu'],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      // Errors only: its warnings about the machine are nothing that a user can act on.
      logSeverityLevel: 3,
      // Waiting threads sleep: spinning ones take the processor from the decoder, which made two threads half as fast as one.
      extra: { session: { intra_op: { allow_spinning: '0' } } },
    });
    const graph = {
      inputs: opened.inputMetadata.map(describe),
      outputs: opened.outputMetadata.map(describe),
    };
    reply({ name: 'opened', graph });
    return opened;
  } catch (error) {
    reply({ name: 'failedToOpen', message: errorMessageOf(error) });
    return null;
  }
}

let own = new Uint8Array();

/** ONNX Runtime takes no shared memory; one inference at a time needs one copy only. */
function ownCopy(input: SharedArrayBuffer, byteLength: number): Uint8Array {
  if (own.length < byteLength) own = new Uint8Array(byteLength);
  const copy = own.subarray(0, byteLength);
  copy.set(new Uint8Array(input, 0, byteLength));
  return copy;
}

async function answer(opened: InferenceSession, request: SessionRequest): Promise<void> {
  if (request.name === 'close') {
    await opened.release();
    // The thread ends when nothing is left to do.
    port.close();
    return;
  }
  const { id, inputName, shape, outputNames } = request;
  if (!guard.begin()) return;
  try {
    const pixels = ownCopy(request.input, request.byteLength);
    const results = await opened.run({ [inputName]: new Tensor('uint8', pixels, shape) }, outputNames);
    // Copies: the runtime's own memory cannot be handed to another thread.
    const outputs = outputNames.map((name) => {
      const data = results[name]?.data;
      return data instanceof Float32Array ? data.slice() : null;
    });
    const buffers = outputs.flatMap((values) => (values ? [values.buffer] : []));
    port.postMessage({ name: 'done', id, outputs } satisfies SessionReply, buffers);
  } catch (error) {
    reply({ name: 'failed', id, message: errorMessageOf(error) });
  } finally {
    guard.end();
  }
}

function reply(message: SessionReply): void {
  port.postMessage(message);
}

function describe(value: InferenceSession.ValueMetadata): GraphValue {
  return value.isTensor
    ? { name: value.name, type: value.type, shape: value.shape }
    : { name: value.name, type: null, shape: [] };
}
