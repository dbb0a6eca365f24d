import type { Response } from 'express';

// A client that reads slower than this much behind is cut off: it connects again and gets the current state.
const MAX_BACKLOG_BYTES = 4 * 1024 * 1024;
const RETRY_MS = 2000;

/** Server-sent events on one response: https://html.spec.whatwg.org/multipage/server-sent-events.html */
export class EventStream {
  readonly #response: Response;
  readonly #heartbeat: NodeJS.Timeout;
  #isOpen = true;

  constructor(response: Response, heartbeatMs: number) {
    this.#response = response;
    response.status(200).set({
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      // nginx would hold events back.
      'X-Accel-Buffering': 'no',
    });
    response.flushHeaders();
    response.write(`retry: ${RETRY_MS}\n\n`);
    this.#heartbeat = setInterval(() => this.#write(': still here\n\n'), heartbeatMs);
    this.#heartbeat.unref();
    response.once('close', () => this.close());
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** False when the client lags behind: events that the next one supersedes may then be left out. */
  get isFlowing(): boolean {
    return this.#isOpen && !this.#response.writableNeedDrain;
  }

  /** Resolves when the client has kept up, or the stream is closed. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      if (!this.#isOpen || !this.#response.writableNeedDrain) return resolve();
      const done = () => {
        this.#response.off('drain', done).off('close', done);
        resolve();
      };
      this.#response.on('drain', done).on('close', done);
    });
  }

  send(event: string, id: number, data: unknown): void {
    this.#write(`id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    clearInterval(this.#heartbeat);
    this.#response.end();
  }

  #write(text: string): void {
    if (!this.#isOpen) return;
    this.#response.write(text);
    if (this.#response.writableLength > MAX_BACKLOG_BYTES) {
      this.close();
      this.#response.destroy();
    }
  }
}
