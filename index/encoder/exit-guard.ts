const BUSY = 0;
const STOPPING = 1;
/** A batch takes less. */
const MAX_WAIT_MS = 10_000;

/**
 * Lets a process that exits wait for the inference in hand: a thread that is torn down inside ONNX Runtime
 * aborts the whole process (exit code 134, onnxruntime-node 1.30).
 */
export class ExitGuard {
  readonly #flags: Int32Array<SharedArrayBuffer>;

  constructor(readonly shared: SharedArrayBuffer = new SharedArrayBuffer(8)) {
    this.#flags = new Int32Array(shared);
  }

  /** In the worker. False when the process is exiting: do not begin. */
  begin(): boolean {
    Atomics.store(this.#flags, BUSY, 1);
    if (Atomics.load(this.#flags, STOPPING) === 0) return true;
    this.end();
    return false;
  }

  /** In the worker. */
  end(): void {
    Atomics.store(this.#flags, BUSY, 0);
    Atomics.notify(this.#flags, BUSY);
  }

  /** In the exiting thread, which blocks until nothing is in hand. */
  stop(): void {
    Atomics.store(this.#flags, STOPPING, 1);
    Atomics.wait(this.#flags, BUSY, 1, MAX_WAIT_MS);
  }
}
