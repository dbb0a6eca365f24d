import type { CallOf } from '../threads/call-protocol.js';
import type { GraphContent } from './hnsw-graph.js';
import type { GraphParameters } from './node-graph.js';
import type { Neighbours } from './types.js';

/** What a graph file holds: enough to tell whether it is whole and unaltered. */
export interface GraphFile extends GraphContent {
  byteLength: number;
  sha256: string;
  /** CRC-32 of each mebibyte. */
  crc32s: number[];
}

export interface GraphSize {
  /** Ids that answer searches. */
  liveCount: number;
  /** Nodes of the graph that stand for them; fewer where vectors are equal. */
  nodeCount: number;
  /** Nodes that many others are around, which are compared one by one. */
  hubCount: number;
  deletedCount: number;
}

/** What the worker can be asked, with its answer. */
export interface HnswCalls {
  search: { ask: { queries: Float32Array; k: number; searchEf?: number | undefined }; answer: Neighbours[] };
  add: { ask: { ids: number[]; vectors: Float32Array }; answer: null };
  remove: { ask: { ids: number[] }; answer: null };
  size: { ask: Record<string, never>; answer: GraphSize };
  /** Builds the graph anew without its deleted nodes. */
  compact: { ask: Record<string, never>; answer: null };
  clear: { ask: Record<string, never>; answer: null };
  /** Writes to `file`, syncs it and reads it back. */
  write: { ask: { file: string }; answer: GraphFile };
  /** Answers why it cannot be used, or null when it is loaded. */
  read: { ask: { file: string; expected: GraphFile; thorough: boolean }; answer: string | null };
  /** Ids that answer searches, in no order. */
  ids: { ask: Record<string, never>; answer: Uint32Array };
  /** Those of the ids whose vector is not the given one, or that are not there at all. */
  differing: { ask: { ids: number[]; vectors: Float32Array }; answer: number[] };
  close: { ask: Record<string, never>; answer: null };
}

export type HnswCall = CallOf<HnswCalls>;

export interface HnswWorkerData {
  parameters: GraphParameters;
}
