import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { JobEvent } from '../../index/ingest/types.js';
import type { DeliveryStatus } from '../../index/library/watch-types.js';
import type { SearchTimings } from '../../index/search/types.js';
import { isFfmpegFailure } from './ffmpeg-failures.js';
import { type Gates, gaugesOf, type MeasuredParts } from './gauges.js';

/** From a few milliseconds, which a listing takes, to the longest uploads. */
const REQUEST_BUCKETS = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120, 600];
const STAGE_BUCKETS = [0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120];

/** What is counted and measured, in a registry of its own. Labels hold no names of people's things. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Histogram<'method' | 'route' | 'status'>;
  readonly #stages: Histogram<'stage'>;
  readonly #problems: Counter<'code'>;
  readonly #ffmpegFailures: Counter<'code'>;
  readonly #files: Counter<'outcome'>;
  readonly #videoSeconds: Counter;
  readonly #segments: Counter;
  readonly #webhookAttempts: Counter<'outcome'>;
  /** What of a running job has been counted. */
  readonly #counted = new Map<number, { videoSeconds: number; segments: number }>();

  constructor(parts: MeasuredParts, gates: Gates) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry, prefix: 'cliptrace_' });
    this.#requests = new Histogram({
      name: 'cliptrace_http_request_seconds',
      help: 'From the head of a request to the end of its answer.',
      labelNames: ['method', 'route', 'status'],
      buckets: REQUEST_BUCKETS,
      registers,
    });
    this.#stages = new Histogram({
      name: 'cliptrace_search_stage_seconds',
      help: 'Stages of answered searches.',
      labelNames: ['stage'],
      buckets: STAGE_BUCKETS,
      registers,
    });
    const counter = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
      new Counter({ name, help, labelNames, registers });
    this.#problems = counter('cliptrace_problems_total', 'Refused requests.', ['code']);
    this.#ffmpegFailures = counter('cliptrace_ffmpeg_failures_total', 'Files that ffmpeg could not decode.', [
      'code',
    ]);
    this.#files = counter('cliptrace_ingest_files_total', 'Files that jobs have dealt with.', ['outcome']);
    this.#videoSeconds = counter('cliptrace_ingest_video_seconds_total', 'Seconds of video embedded.');
    this.#segments = counter('cliptrace_ingest_segments_total', 'Segments embedded.');
    this.#webhookAttempts = counter('cliptrace_webhook_attempts_total', 'Attempts to deliver to webhooks.', [
      'outcome',
    ]);
    for (const { name, help, labelNames, collect } of gaugesOf(parts, gates)) {
      new Gauge({ name, help, labelNames, registers, collect });
    }
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** `status` is null when the client went before the answer was complete. */
  request(method: string, route: string, status: number | null, seconds: number): void {
    this.#requests.observe(
      { method, route, status: status === null ? 'broken off' : String(status) },
      seconds,
    );
  }

  problem(code: string): void {
    this.#problems.inc({ code });
    if (isFfmpegFailure(code)) this.#ffmpegFailures.inc({ code });
  }

  search({ decodeMs, encodeMs, searchMs }: SearchTimings): void {
    this.#stages.observe({ stage: 'decode' }, decodeMs / 1000);
    this.#stages.observe({ stage: 'encode' }, encodeMs / 1000);
    this.#stages.observe({ stage: 'search' }, searchMs / 1000);
  }

  /** `pending`: it failed and is tried again; `failed`: it is given up. */
  webhookAttempt(status: DeliveryStatus): void {
    this.#webhookAttempts.inc({ outcome: status === 'pending' ? 'to-retry' : status });
  }

  job(event: JobEvent): void {
    const { id, progress } = event.job;
    const before = this.#counted.get(id) ?? { videoSeconds: 0, segments: 0 };
    // A job that goes on after a pause begins to count anew.
    this.#videoSeconds.inc(Math.max(0, progress.videoSeconds - before.videoSeconds));
    this.#segments.inc(Math.max(0, progress.segments - before.segments));
    if (event.type === 'end') this.#counted.delete(id);
    else this.#counted.set(id, { videoSeconds: progress.videoSeconds, segments: progress.segments });
    if (event.type !== 'file') return;
    const { outcome, code } = event.file;
    this.#files.inc({ outcome });
    if (outcome === 'failed' && code !== null && isFfmpegFailure(code)) this.#ffmpegFailures.inc({ code });
  }
}
