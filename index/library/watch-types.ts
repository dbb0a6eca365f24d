import type { ErrorCode } from '../errors.js';
import type { EmbeddedQuery } from '../search/embedded-query.js';

/** `disabled`: the receiver said that it is gone. */
export type WatchStatus = 'active' | 'paused' | 'disabled';

/** Where a watched clip can be had again when the model changes. */
export type WatchSource =
  | {
      kind: 'clip';
      path: string;
      startSeconds: number | null;
      endSeconds: number | null;
      /** Missing for watches of before: then nobody can tell whether the clip was altered. */
      sizeBytes?: number;
      contentHash?: string;
    }
  | {
      kind: 'video';
      videoId: number;
      contentHash: string;
      startSeconds: number | null;
      endSeconds: number | null;
    };

export interface WatchInput {
  name: string;
  /** Null: the whole library. */
  collection: string | null;
  /** Least score of a match, [0, 1]. */
  threshold: number;
  url: string;
  secret: string;
  source: WatchSource;
}

/** A clip that is watched for. (A folder that is followed is something else: `index/watch`.) */
export interface ClipWatch extends WatchInput {
  id: number;
  status: WatchStatus;
  /** Why it is disabled; null otherwise. */
  statusCode: ErrorCode | null;
  /** Signs beside the secret until then; null when there is none. */
  previousSecret: string | null;
  previousSecretUntil: string | null;
  /** The model that embedded the clip. */
  modelId: string;
  /** Arrivals up to this one have been compared with it. */
  matchedThrough: number;
  createdAt: string;
  updatedAt: string;
}

/** The clip as the search sees it. */
export interface WatchEmbedding {
  modelId: string;
  query: EmbeddedQuery;
}

/** A video whose content became searchable. */
export interface Arrival {
  sequence: number;
  videoId: number;
  contentHash: string;
  collection: string;
  segmentCount: number;
}

export type DeliveryType = 'watch.matched' | 'watch.test';
export type DeliveryStatus = 'pending' | 'succeeded' | 'failed';

export interface DeliveryInput {
  watchId: number;
  messageId: string;
  type: DeliveryType;
  /** Of a match; null of a test. */
  videoId: number | null;
  contentHash: string | null;
  /** What is sent, byte for byte. */
  body: string;
}

export interface Delivery extends DeliveryInput {
  id: number;
  status: DeliveryStatus;
  attemptCount: number;
  /** Attempts since it was created or asked for again. */
  roundAttempts: number;
  /** Milliseconds since 1970; null unless pending. */
  nextAttemptMs: number | null;
  createdAt: string;
  endedAt: string | null;
  lastAttempt: DeliveryAttempt | null;
}

export interface DeliveryAttempt {
  /** From 1. */
  number: number;
  startedAt: string;
  durationMs: number;
  /** Null when no answer came. */
  responseStatus: number | null;
  /** Null when it succeeded. */
  error: { code: ErrorCode; message: string } | null;
}

/** What follows from an attempt. */
export type AttemptOutcome =
  | { status: 'succeeded' }
  | { status: 'failed'; disableWatch: ErrorCode | null }
  | { status: 'pending'; nextAttemptMs: number };

export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

/** Watched clips and what is told of them. Part of the library: one file, one writer, one backup. */
export interface WatchStore {
  /** Matches what arrives from now on. TOO_MANY_WATCHES beyond `maxWatches`. */
  create(watch: WatchInput, embedding: WatchEmbedding, maxWatches: number): Promise<ClipWatch>;
  get(id: number): Promise<ClipWatch | null>;
  /** Newest first; with `collections`, only those of one of these. */
  list(query: {
    limit: number;
    cursor?: string | undefined;
    collections?: readonly string[] | undefined;
  }): Promise<Page<ClipWatch>>;
  /** All that are active, by id. */
  active(): Promise<ClipWatch[]>;
  countByStatus(): Promise<Record<WatchStatus, number>>;
  /** One that becomes active matches what arrives from then on. Null when there is none. */
  update(
    id: number,
    change: Partial<Pick<WatchInput, 'name' | 'threshold' | 'url'>> & { status?: 'active' | 'paused' },
  ): Promise<ClipWatch | null>;
  /** Null when there is none. */
  rotateSecret(id: number, secret: string, previousUntil: string): Promise<ClipWatch | null>;
  /** With its deliveries; the watch as it was, whose clip is for the caller to delete. Null when there is none. */
  remove(id: number): Promise<ClipWatch | null>;
  embeddingOf(id: number): Promise<WatchEmbedding | null>;
  putEmbedding(id: number, embedding: WatchEmbedding): Promise<void>;
  /** Files of the data folder. */
  clipPaths(): Promise<string[]>;

  /** With sequence > afterSequence, ascending, of videos that the model embedded. */
  arrivalsAfter(afterSequence: number, limit: number, modelId: string): Promise<Arrival[]>;
  /** The highest number that was ever given; 0 without any. */
  lastArrival(): Promise<number>;
  /**
   * In one transaction: the delivery is written, and the watch has been compared with this arrival. Nothing happens when the watch is no
   * longer active. False when that delivery exists already.
   */
  recordMatch(sequence: number, delivery: DeliveryInput): Promise<boolean>;
  /** These have been compared with all arrivals up to this one. What every watch has been compared with is forgotten. */
  advance(watchIds: readonly number[], sequence: number, modelId: string): Promise<void>;

  createDelivery(delivery: DeliveryInput): Promise<Delivery | null>;
  getDelivery(id: number): Promise<Delivery | null>;
  /** Newest first. */
  listDeliveries(query: {
    watchId: number;
    status?: DeliveryStatus | undefined;
    limit: number;
    cursor?: string | undefined;
  }): Promise<Page<Delivery>>;
  attemptsOf(deliveryId: number): Promise<DeliveryAttempt[]>;
  /** Those that may be tried by then, of active watches (tests: of all); at most `perWatch` of each, the longest due first. */
  dueDeliveries(nowMs: number, perWatch: number): Promise<Delivery[]>;
  recordAttempt(
    deliveryId: number,
    attempt: Omit<DeliveryAttempt, 'number'>,
    outcome: AttemptOutcome,
  ): Promise<void>;
  /** To be tried at once, by a schedule that begins anew. Null when there is none. */
  redeliver(deliveryId: number): Promise<Delivery | null>;
  /** Of one watch, or of all. */
  pendingDeliveries(watchId?: number): Promise<number>;
  /** Forgets deliveries that ended before (ISO 8601); returns how many. */
  forgetDeliveries(endedBefore: string): Promise<number>;
}
