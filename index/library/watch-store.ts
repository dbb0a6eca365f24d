import { CliptraceError } from '../errors.js';
import type { LibraryTables } from './sqlite-library.js';
import type * as types from './watch-types.js';

interface Transactions {
  read<T>(work: (tables: LibraryTables) => T): T;
  write<T>(work: (tables: LibraryTables) => T): T;
}

/** The watches of an SQLite library. */
export class SqliteWatchStore implements types.WatchStore {
  readonly #read: Transactions['read'];
  readonly #write: Transactions['write'];

  constructor({ read, write }: Transactions) {
    this.#read = read;
    this.#write = write;
  }

  async create(
    watch: types.WatchInput,
    embedding: types.WatchEmbedding,
    maxWatches: number,
  ): Promise<types.ClipWatch> {
    return this.#write(({ arrivals, watches }) => {
      if (watches.count() >= maxWatches) {
        throw new CliptraceError(
          'TOO_MANY_WATCHES',
          `There are ${maxWatches} watches, which is what this server keeps. Remove one, or raise CLIPTRACE_MAX_WATCHES.`,
        );
      }
      return watches.insert(watch, embedding, arrivals.last());
    });
  }

  async get(id: number): Promise<types.ClipWatch | null> {
    return this.#read((tables) => tables.watches.get(id));
  }

  async list({ limit, cursor, collections }: Parameters<types.WatchStore['list']>[0]) {
    return this.#read((tables) => tables.watches.list(limit, cursor, collections));
  }

  async active(): Promise<types.ClipWatch[]> {
    return this.#read((tables) => tables.watches.active());
  }

  async countByStatus(): Promise<Record<types.WatchStatus, number>> {
    return this.#read((tables) => tables.watches.countByStatus());
  }

  async update(
    id: number,
    { status, ...change }: Parameters<types.WatchStore['update']>[1],
  ): Promise<types.ClipWatch | null> {
    return this.#write(({ arrivals, watches }) => {
      const before = watches.get(id);
      if (before === null) return null;
      watches.change(id, change);
      if (status !== undefined && status !== before.status) {
        watches.setStatus(id, status, null, status === 'active' ? arrivals.last() : null);
      }
      return watches.get(id);
    });
  }

  async rotateSecret(id: number, secret: string, previousUntil: string): Promise<types.ClipWatch | null> {
    return this.#write(({ watches }) => {
      watches.setSecret(id, secret, previousUntil);
      return watches.get(id);
    });
  }

  async remove(id: number): Promise<types.ClipWatch | null> {
    return this.#write(({ watches }) => {
      const watch = watches.get(id);
      watches.remove(id);
      return watch;
    });
  }

  async embeddingOf(id: number): Promise<types.WatchEmbedding | null> {
    return this.#read((tables) => tables.watches.embeddingOf(id));
  }

  async putEmbedding(id: number, embedding: types.WatchEmbedding): Promise<void> {
    this.#write(({ watches }) => {
      if (watches.get(id) !== null) watches.putEmbedding(id, embedding);
    });
  }

  async clipPaths(): Promise<string[]> {
    return this.#read((tables) => tables.watches.clipPaths());
  }

  async arrivalsAfter(afterSequence: number, limit: number, modelId: string): Promise<types.Arrival[]> {
    return this.#read((tables) => tables.arrivals.after(afterSequence, limit, modelId));
  }

  async lastArrival(): Promise<number> {
    return this.#read((tables) => tables.arrivals.last());
  }

  async recordMatch(sequence: number, delivery: types.DeliveryInput): Promise<boolean> {
    return this.#write(({ deliveries, watches }) => {
      const watch = watches.get(delivery.watchId);
      if (watch?.status !== 'active' || watch.matchedThrough >= sequence) return false;
      const written = deliveries.insert(delivery);
      watches.advance([delivery.watchId], sequence);
      return written !== null;
    });
  }

  async advance(watchIds: readonly number[], sequence: number, modelId: string): Promise<void> {
    this.#write(({ arrivals, watches }) => {
      watches.advance(watchIds, sequence);
      arrivals.forget(modelId);
    });
  }

  async createDelivery(delivery: types.DeliveryInput): Promise<types.Delivery | null> {
    return this.#write(({ deliveries, watches }) =>
      watches.get(delivery.watchId) === null ? null : deliveries.insert(delivery),
    );
  }

  async getDelivery(id: number): Promise<types.Delivery | null> {
    return this.#read((tables) => tables.deliveries.get(id));
  }

  async listDeliveries({
    watchId,
    status,
    limit,
    cursor,
  }: Parameters<types.WatchStore['listDeliveries']>[0]) {
    return this.#read((tables) => tables.deliveries.list(watchId, status ?? null, limit, cursor));
  }

  async attemptsOf(deliveryId: number): Promise<types.DeliveryAttempt[]> {
    return this.#read((tables) => tables.deliveries.attemptsOf(deliveryId));
  }

  async dueDeliveries(nowMs: number, perWatch: number): Promise<types.Delivery[]> {
    return this.#read((tables) => tables.deliveries.due(nowMs, perWatch));
  }

  async recordAttempt(
    deliveryId: number,
    attempt: Omit<types.DeliveryAttempt, 'number'>,
    outcome: types.AttemptOutcome,
  ): Promise<void> {
    this.#write(({ deliveries, watches }) => {
      deliveries.recordAttempt(deliveryId, attempt, outcome);
      const watchId = deliveries.get(deliveryId)?.watchId;
      if (watchId !== undefined && outcome.status === 'failed' && outcome.disableWatch !== null) {
        watches.setStatus(watchId, 'disabled', outcome.disableWatch);
      }
    });
  }

  async redeliver(deliveryId: number): Promise<types.Delivery | null> {
    return this.#write((tables) => tables.deliveries.redeliver(deliveryId));
  }

  async pendingDeliveries(watchId?: number): Promise<number> {
    return this.#read((tables) => tables.deliveries.pendingCount(watchId ?? null));
  }

  async forgetDeliveries(endedBefore: string): Promise<number> {
    return this.#write((tables) => tables.deliveries.forget(endedBefore));
  }
}
