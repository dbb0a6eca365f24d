import type { Worker } from 'node:worker_threads';
import { CliptraceError, type ErrorCode } from '../errors.js';
import type { AnyCall, CallTable, Reply } from './call-protocol.js';

interface ClosingCall {
  ask: Record<string, never>;
  answer: null;
}

interface PendingCall {
  resolve: (answer: unknown) => void;
  reject: (error: CliptraceError) => void;
}

/**
 * Calls of one thread's functions from another: each is answered or rejected, when the thread ends, too. The worker is
 * expected to end by itself when it is asked to `close`.
 */
export class ThreadCalls<Calls extends CallTable<keyof Calls> & { close: ClosingCall }> {
  readonly #worker: Worker;
  readonly #name: string;
  readonly #pending = new Map<number, PendingCall>();
  readonly #exited: Promise<void>;
  #lastId = 0;
  #failure: CliptraceError | null = null;
  #closing: Promise<void> | null = null;

  /** `name` as it stands in messages, e.g. "The thread of the vector index". An idle thread keeps no process alive. */
  constructor(worker: Worker, name: string) {
    this.#worker = worker;
    this.#name = name;
    worker.on('message', (reply: Reply) => this.#settle(reply));
    worker.on('messageerror', (error) => this.#fail('answered with what cannot be read', error));
    worker.on('error', (error) => this.#fail(`failed: ${error.message}`, error));
    this.#exited = new Promise((resolve) => {
      worker.on('exit', (exitCode) => {
        this.#fail(this.#closing === null ? `ended unexpectedly with exit code ${exitCode}` : 'is closed');
        resolve();
      });
    });
    worker.unref();
  }

  /** Why it answers no more; null while it does. */
  get failure(): CliptraceError | null {
    return this.#failure;
  }

  call<Name extends keyof Calls & string>(
    name: Name,
    ask: Calls[Name]['ask'],
    transfer: ArrayBuffer[] = [],
  ): Promise<Calls[Name]['answer']> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as (answer: unknown) => void, reject });
      this.#worker.ref();
      this.#worker.postMessage({ id, name, ask } satisfies AnyCall, transfer);
    });
  }

  /** After what was asked before. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#failure !== null) return;
    // The thread may end before its answer has arrived; its end is what counts.
    this.call('close', {}).catch(() => undefined);
    this.#worker.ref();
    await this.#exited;
  }

  #settle(reply: Reply): void {
    const call = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if (this.#pending.size === 0) this.#worker.unref();
    if ('answer' in reply) call?.resolve(reply.answer);
    else {
      const { code, message, details } = reply.error;
      call?.reject(new CliptraceError(code as ErrorCode, message, { details }));
    }
  }

  #fail(what: string, cause?: unknown): void {
    this.#failure ??= new CliptraceError('INTERNAL', `${this.#name} ${what}. Restart the program.`, {
      cause,
    });
    for (const call of this.#pending.values()) call.reject(this.#failure);
    this.#pending.clear();
  }
}
