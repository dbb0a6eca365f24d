import type { Statement } from 'better-sqlite3';
import { decodeCursor, encodeCursor } from './cursor.js';
import type { SqliteDatabase } from './database.js';
import type {
  AttemptOutcome,
  Delivery,
  DeliveryAttempt,
  DeliveryInput,
  DeliveryStatus,
  Page,
} from './watch-types.js';

interface AttemptRow {
  number: number;
  startedAt: string;
  durationMs: number;
  responseStatus: number | null;
  errorCode: string | null;
  errorMessage: string | null;
}

type DeliveryRow = Omit<Delivery, 'lastAttempt'>;

const SELECT = `SELECT d.id, d.watch_id AS watchId, d.message_id AS messageId, d.type, d.video_id AS videoId,
  d.content_hash AS contentHash, d.body, d.status, d.attempt_count AS attemptCount, d.round_attempts AS roundAttempts,
  d.next_attempt_ms AS nextAttemptMs, d.created_at AS createdAt, d.ended_at AS endedAt FROM deliveries d`;

/** What is to be told to webhooks, what was, and each attempt at it. */
export class DeliveriesTable {
  readonly #insert: Statement<[Record<string, unknown>]>;
  readonly #get: Statement<[number]>;
  readonly #list: Statement<[Record<string, unknown>]>;
  readonly #due: Statement<[{ nowMs: number; perWatch: number }]>;
  readonly #settle: Statement<[Record<string, unknown>]>;
  readonly #redeliver: Statement<[number, number]>;
  readonly #pending: Statement<[{ watchId: number | null }]>;
  readonly #forget: Statement<[string]>;
  readonly #insertAttempt: Statement<[Record<string, unknown>]>;
  readonly #attempts: Statement<[number]>;

  constructor(database: SqliteDatabase) {
    this.#insert = database.prepare(
      `INSERT INTO deliveries (watch_id, message_id, type, video_id, content_hash, body, status, next_attempt_ms, created_at)
       VALUES (@watchId, @messageId, @type, @videoId, @contentHash, @body, 'pending', @nowMs, @now)
       ON CONFLICT (watch_id, video_id, content_hash) WHERE type = 'watch.matched' DO NOTHING`,
    );
    this.#get = database.prepare(`${SELECT} WHERE d.id = ?`);
    this.#list = database.prepare(
      `${SELECT} WHERE d.watch_id = @watchId AND (@status IS NULL OR d.status = @status)
       AND (@beforeId IS NULL OR d.id < @beforeId) ORDER BY d.id DESC LIMIT @limit`,
    );
    // A watch at a time, so that a long queue of one is not read to its end for a few of its rows. A test is what a paused one can be tried with.
    this.#due = database.prepare(
      `${SELECT} WHERE d.id IN (SELECT x.id FROM watches y CROSS JOIN deliveries x ON x.id IN
         (SELECT z.id FROM deliveries z WHERE z.watch_id = y.id AND z.status = 'pending' AND z.next_attempt_ms <= @nowMs
            AND (y.status = 'active' OR z.type = 'watch.test')
          ORDER BY z.next_attempt_ms, z.id LIMIT @perWatch))
       ORDER BY d.next_attempt_ms, d.id`,
    );
    this.#settle = database.prepare(
      `UPDATE deliveries SET status = @status, attempt_count = @number, round_attempts = round_attempts + 1,
       next_attempt_ms = @nextAttemptMs, ended_at = @endedAt WHERE id = @id`,
    );
    this.#redeliver = database.prepare(
      `UPDATE deliveries SET status = 'pending', round_attempts = 0, next_attempt_ms = ?, ended_at = NULL WHERE id = ?`,
    );
    this.#pending = database
      .prepare<[{ watchId: number | null }]>(
        "SELECT count(*) FROM deliveries WHERE status = 'pending' AND (@watchId IS NULL OR watch_id = @watchId)",
      )
      .pluck();
    this.#forget = database.prepare("DELETE FROM deliveries WHERE status <> 'pending' AND ended_at < ?");
    this.#insertAttempt = database.prepare(
      `INSERT INTO delivery_attempts
       VALUES (@id, @number, @startedAt, @durationMs, @responseStatus, @errorCode, @errorMessage)`,
    );
    this.#attempts = database.prepare(
      `SELECT number, started_at AS startedAt, duration_ms AS durationMs, response_status AS responseStatus,
       error_code AS errorCode, error_message AS errorMessage FROM delivery_attempts WHERE delivery_id = ? ORDER BY number`,
    );
  }

  /** Null when there is one of this match already. */
  insert(delivery: DeliveryInput): Delivery | null {
    const now = new Date();
    const { changes, lastInsertRowid } = this.#insert.run({
      ...delivery,
      nowMs: now.getTime(),
      now: now.toISOString(),
    });
    return changes === 0 ? null : this.get(Number(lastInsertRowid));
  }

  get(id: number): Delivery | null {
    const row = this.#get.get(id) as DeliveryRow | undefined;
    return row === undefined ? null : this.#toDelivery(row);
  }

  list(
    watchId: number,
    status: DeliveryStatus | null,
    limit: number,
    cursor: string | undefined,
  ): Page<Delivery> {
    const beforeId = cursor === undefined ? null : decodeCursor(cursor);
    const rows = this.#list.all({ watchId, status, beforeId, limit: limit + 1 }) as DeliveryRow[];
    const items = rows.slice(0, limit).map((row) => this.#toDelivery(row));
    const last = items.at(-1);
    return { items, nextCursor: rows.length > limit && last !== undefined ? encodeCursor(last.id) : null };
  }

  due(nowMs: number, perWatch: number): Delivery[] {
    return (this.#due.all({ nowMs, perWatch }) as DeliveryRow[]).map((row) => this.#toDelivery(row));
  }

  /** Nothing when the delivery is gone. */
  recordAttempt(id: number, attempt: Omit<DeliveryAttempt, 'number'>, outcome: AttemptOutcome): void {
    const delivery = this.get(id);
    if (delivery === null) return;
    const number = delivery.attemptCount + 1;
    const { startedAt, durationMs, responseStatus, error } = attempt;
    this.#insertAttempt.run({
      ...{ id, number, startedAt, durationMs, responseStatus },
      errorCode: error?.code ?? null,
      errorMessage: error?.message ?? null,
    });
    const isPending = outcome.status === 'pending';
    this.#settle.run({
      ...{ id, number, status: outcome.status },
      nextAttemptMs: isPending ? outcome.nextAttemptMs : null,
      endedAt: isPending ? null : new Date().toISOString(),
    });
  }

  attemptsOf(deliveryId: number): DeliveryAttempt[] {
    return (this.#attempts.all(deliveryId) as AttemptRow[]).map(toAttempt);
  }

  redeliver(id: number): Delivery | null {
    this.#redeliver.run(Date.now(), id);
    return this.get(id);
  }

  pendingCount(watchId: number | null): number {
    return this.#pending.get({ watchId }) as number;
  }

  forget(endedBefore: string): number {
    return this.#forget.run(endedBefore).changes;
  }

  #toDelivery(row: DeliveryRow): Delivery {
    return { ...row, lastAttempt: row.attemptCount === 0 ? null : (this.attemptsOf(row.id).at(-1) ?? null) };
  }
}

function toAttempt({ errorCode, errorMessage, ...row }: AttemptRow): DeliveryAttempt {
  return {
    ...row,
    error:
      errorCode === null
        ? null
        : {
            code: errorCode as NonNullable<DeliveryAttempt['error']>['code'],
            message: errorMessage ?? '',
          },
  };
}
