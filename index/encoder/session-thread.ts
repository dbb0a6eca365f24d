import './no-telemetry.js';
import type { Worker } from 'node:worker_threads';
import { startWorker } from '../threads/worker-thread.js';
import { ExitGuard } from './exit-guard.js';
import type {
  GraphDescription,
  SessionReply,
  SessionRequest,
  SessionWorkerData,
} from './session-protocol.js';

interface Waiting {
  input: SharedArrayBuffer;
  resolve: (outputs: (Float32Array | null)[]) => void;
  reject: (error: Error) => void;
}

/**
 * An ONNX Runtime session in a thread of its own: onnxruntime-node computes on the thread that calls it, and the
 * event loop must not stand still for a batch of clips. Inferences run one after another.
 */
export class SessionThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited: Promise<void>;
  /** To be used again: what a message carries would be copied twice, and new memory for each batch makes work for the garbage collector. */
  readonly #freeInputs: SharedArrayBuffer[] = [];
  #lastId = 0;
  #failure: Error | null = null;

  /** Rejects with ONNX Runtime's own words when the file is no model that it can run. */
  static async open(
    options: Omit<SessionWorkerData, 'guard'>,
  ): Promise<{ thread: SessionThread; graph: GraphDescription }> {
    const guard = new ExitGuard();
    const data: SessionWorkerData = { ...options, guard: guard.shared };
    const worker = startWorker('session-worker', import.meta.url, data);
    const graph = await new Promise<GraphDescription>((resolve, reject) => {
      worker.once('message', (reply: SessionReply) => {
        if (reply.name === 'opened') resolve(reply.graph);
        else reject(new Error(reply.name === 'failedToOpen' ? reply.message : 'it answered out of turn'));
      });
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`its thread ended with exit code ${code}`)));
    });
    return { thread: new SessionThread(worker, guard), graph };
  }

  private constructor(worker: Worker, guard: ExitGuard) {
    this.#worker = worker;
    const stop = (): void => guard.stop();
    process.on('exit', stop);
    worker.removeAllListeners('error');
    worker.on('message', (reply: SessionReply) => this.#settle(reply));
    worker.on('error', (error) => this.#fail(error));
    this.#exited = new Promise((resolve) => {
      worker.on('exit', (code) => {
        process.off('exit', stop);
        this.#fail(new Error(`the encoder's thread ended with exit code ${code}`));
        resolve();
      });
    });
    // An idle encoder keeps no process alive.
    worker.unref();
  }

  /** Inferences that it has been given and not answered yet. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** The pieces of the input have been copied, one behind the other, when this returns. Outputs in the order of their names; null for one that is missing or not float32. */
  run(
    inputName: string,
    pieces: readonly Uint8Array[],
    shape: number[],
    outputNames: string[],
  ): Promise<(Float32Array | null)[]> {
    if (this.#failure) return Promise.reject(this.#failure);
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      const byteLength = pieces.reduce((sum, piece) => sum + piece.length, 0);
      const input = this.#inputOf(pieces, byteLength);
      this.#waiting.set(id, { input, resolve, reject });
      this.#worker.ref();
      this.#post({ name: 'run', id, inputName, input, byteLength, shape, outputNames });
    });
  }

  /** After what was asked before. */
  async close(): Promise<void> {
    if (this.#failure) return;
    this.#worker.ref();
    this.#post({ name: 'close' });
    await this.#exited;
  }

  #post(request: SessionRequest): void {
    this.#worker.postMessage(request);
  }

  /** Memory of this thread and the worker's, filled with the pieces. */
  #inputOf(pieces: readonly Uint8Array[], byteLength: number): SharedArrayBuffer {
    const free = this.#freeInputs.pop();
    const input = free && free.byteLength >= byteLength ? free : new SharedArrayBuffer(byteLength);
    const bytes = new Uint8Array(input);
    let at = 0;
    for (const piece of pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return input;
  }

  #settle(reply: SessionReply): void {
    if (reply.name !== 'done' && reply.name !== 'failed') return;
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (waiting) this.#freeInputs.push(waiting.input);
    if (this.#waiting.size === 0) this.#worker.unref();
    if (reply.name === 'done') waiting?.resolve(reply.outputs);
    else waiting?.reject(new Error(reply.message));
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
  }
}
