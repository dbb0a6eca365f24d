import type { Problem } from '../schemas/problem.js';

/** What the server refused, or that it did not answer. */
export class RequestFailed extends Error {
  /** Null when there was no answer, or none that this client understands. */
  readonly problem: Problem | null;
  /** HTTP status; null when there was no answer. */
  readonly status: number | null;
  /** How long the server asks to wait before the next attempt; null when it does not say. */
  readonly retryAfterSeconds: number | null;

  constructor(
    answer: { status: number; problem: Problem | null; retryAfter: string | null } | null,
    cause?: unknown,
  ) {
    const message =
      answer === null
        ? 'The server does not answer. Check that it is running.'
        : (answer.problem?.detail ?? `The server answered with status ${answer.status}.`);
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'RequestFailed';
    this.problem = answer?.problem ?? null;
    this.status = answer?.status ?? null;
    const seconds = Number(answer?.retryAfter ?? Number.NaN);
    this.retryAfterSeconds = Number.isFinite(seconds) ? seconds : null;
  }

  /** Stable name of the problem; null without one. */
  get code(): Problem['code'] | null {
    return this.problem?.code ?? null;
  }
}

/** The signal of the call was aborted. */
export class Cancelled extends Error {
  constructor() {
    super('The request was cancelled.');
    this.name = 'Cancelled';
  }
}
