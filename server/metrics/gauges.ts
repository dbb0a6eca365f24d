import type { Gauge } from 'prom-client';
import type { Cliptrace } from '../../index/types.js';
import type { Gate } from '../http/gate.js';

export type MeasuredParts = Pick<Cliptrace, 'library' | 'indexSize' | 'opened' | 'readiness'>;
export type Gates = Readonly<Record<string, Gate>>;

interface GaugeDescription {
  name: string;
  help: string;
  labelNames: string[];
  /** Called when the metrics are asked for. */
  collect(this: Gauge<string>): Promise<void> | void;
}

const JOB_STATUSES = ['queued', 'running', 'paused'] as const;

/** What is read at the moment when it is asked for. */
export function gaugesOf(parts: MeasuredParts, gates: Gates): GaugeDescription[] {
  const { library } = parts;
  return [
    {
      name: 'cliptrace_jobs',
      help: 'Jobs that have not ended.',
      labelNames: ['status'],
      async collect() {
        const pending = await library.pendingJobs();
        for (const status of JOB_STATUSES)
          this.set({ status }, pending.filter((job) => job.status === status).length);
      },
    },
    {
      name: 'cliptrace_gate_inside',
      help: 'Work in hand, by kind.',
      labelNames: ['gate'],
      collect() {
        for (const [gate, { inside }] of Object.entries(gates)) this.set({ gate }, inside);
      },
    },
    {
      name: 'cliptrace_gate_waiting',
      help: 'Requests that wait for their turn, by kind.',
      labelNames: ['gate'],
      collect() {
        for (const [gate, { waiting }] of Object.entries(gates)) this.set({ gate }, waiting);
      },
    },
    {
      name: 'cliptrace_index_segments',
      help: 'Segments in the vector index; NaN while it loads.',
      labelNames: [],
      async collect() {
        this.set((await parts.indexSize()) ?? Number.NaN);
      },
    },
    {
      name: 'cliptrace_index_opening_seconds',
      help: 'How long the vector index took to open, and how it did: loaded from its snapshot, or rebuilt.',
      labelNames: ['how'],
      async collect() {
        const opening = await Promise.race([
          parts.opened.catch(() => null),
          new Promise<null>((resolve) => setImmediate(resolve, null)),
        ]);
        if (opening !== null) this.set({ how: opening.how }, opening.elapsedMs / 1000);
      },
    },
    {
      name: 'cliptrace_library_videos',
      help: 'Videos in the library.',
      labelNames: [],
      async collect() {
        this.set((await library.listVideos({ limit: 1 })).totalCount);
      },
    },
    {
      name: 'cliptrace_watches',
      help: 'Clips that are watched for.',
      labelNames: ['status'],
      async collect() {
        for (const [status, count] of Object.entries(await library.watches.countByStatus()))
          this.set({ status }, count);
      },
    },
    {
      name: 'cliptrace_webhook_deliveries_pending',
      help: 'Deliveries that wait for their first or next attempt, those of paused watches included.',
      labelNames: [],
      async collect() {
        this.set(await library.watches.pendingDeliveries());
      },
    },
    {
      name: 'cliptrace_ready',
      help: '1 when searches can be answered.',
      labelNames: [],
      async collect() {
        this.set((await parts.readiness()).ready ? 1 : 0);
      },
    },
  ];
}
