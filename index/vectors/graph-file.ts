import { readSync } from 'node:fs';
import { type FileHandle, open, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CliptraceError, errorMessageOf } from '../errors.js';
import { GRAPH_HEADER_BYTES, type GraphLayout, readGraphLayout } from './graph-layout.js';
import { type GraphScan, scanGraph } from './graph-scan.js';
import { type HnswGraph, type ReadNodes, readNodes } from './hnsw-graph.js';
import type { GraphFile } from './hnsw-protocol.js';

const CHUNK_BYTES = 1024 * 1024;
const VERIFIED_SAMPLES = 16;

/**
 * Writes the graph to `file`, syncs it, and makes sure that what lies there is the graph. DISK_FULL.
 * hnswlib reports no failed write, so the file is read back: not as a second graph, which would take its memory twice.
 */
export async function writeGraphFile(graph: HnswGraph, file: string): Promise<GraphFile> {
  await requireSpace(graph, file);
  await graph.write(file);
  try {
    return { ...(await readBack(graph, file)), ...graph.content() };
  } catch (error) {
    await probeForSpace(file);
    throw new CliptraceError(
      'INTERNAL',
      `The snapshot ${file} was not written as it should: ${errorMessageOf(error)}.`,
      { cause: error },
    );
  }
}

/**
 * Loads `file` into the graph; answers why that cannot be done, or null. hnswlib reads it in a thread of its own while it
 * is hashed here; what hnswlib would trust is looked at before, and nothing is searched until the checksums are right. `thorough` compares the SHA-256, too.
 */
export async function readGraphFile(
  graph: HnswGraph,
  file: string,
  expected: GraphFile,
  { thorough }: { thorough: boolean },
): Promise<string | null> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, 'r');
    const { size } = await handle.stat();
    if (size !== expected.byteLength) return `its file has ${size} bytes instead of ${expected.byteLength}`;
    const layout = await readGraphLayout(handle, size, graph.parameters);
    const reading = readBesideHnswlib(handle, layout, expected, thorough);
    const [read, load] = await Promise.allSettled([reading, graph.load(file)]);
    if (read.status === 'rejected') throw read.reason;
    if (typeof read.value === 'string') return read.value;
    if (load.status === 'rejected') throw load.reason;
    graph.adopt(load.value, read.value, expected);
    return null;
  } catch (error) {
    return `its file cannot be read: ${errorMessageOf(error)}`;
  } finally {
    await handle?.close();
  }
}

/** What of the file hnswlib does not tell, found out while it is still loading; or where the file was altered. */
async function readBesideHnswlib(
  handle: FileHandle,
  layout: GraphLayout,
  expected: GraphFile,
  thorough: boolean,
): Promise<ReadNodes | string> {
  const scan = await scanGraph(handle, layout, { sha256: thorough });
  const { labels } = scan;
  const reason = alteration(scan, expected);
  if (reason !== null) return reason;
  return readNodes(labels, readVectors(handle, layout, labels, new Set(expected.hubLabels)), expected);
}

/** Vectors of the nodes that bear the wanted labels. */
function readVectors(
  handle: FileHandle,
  layout: GraphLayout,
  labels: Uint32Array,
  wanted: ReadonlySet<number>,
): Map<number, Float32Array> {
  const vectors = new Map<number, Float32Array>();
  for (let node = 0; node < labels.length && vectors.size < wanted.size; node += 1) {
    const label = labels[node] as number;
    if (wanted.has(label)) vectors.set(label, readVector(handle, layout, node));
  }
  return vectors;
}

/** Of a node by its place in the file: [dimension] */
function readVector(handle: FileHandle, layout: GraphLayout, node: number): Float32Array<ArrayBuffer> {
  const vector = new Float32Array((layout.labelOffset - layout.vectorOffset) / 4);
  const position = GRAPH_HEADER_BYTES + node * layout.recordBytes + layout.vectorOffset;
  // In this thread: a hand-over to another for each costs more than the reading, and the system has just read them.
  readSync(handle.fd, vector, 0, vector.byteLength, position);
  return vector;
}

/** Where the file differs from what was written; null when it does not. */
function alteration({ crc32s, sha256 }: GraphScan, expected: GraphFile): string | null {
  const chunk = crc32s.findIndex((crc32, position) => crc32 !== expected.crc32s[position]);
  if (chunk >= 0 || crc32s.length !== expected.crc32s.length) {
    return `its file was altered: the checksum of mebibyte ${chunk} is another`;
  }
  if (sha256 === null || sha256 === expected.sha256) return null;
  return `its file was altered: SHA-256 ${sha256} instead of ${expected.sha256}`;
}

async function requireSpace(graph: HnswGraph, file: string): Promise<void> {
  const nodes = graph.nodeCount + graph.deletedCount;
  const { dimension, m } = graph.parameters;
  const neededBytes = nodes * (4 * dimension + 8 * m + 16);
  const { bavail, bsize } = await statfs(dirname(file));
  if (bavail * bsize < neededBytes)
    throw diskFull(file, `${neededBytes} bytes are needed, ${bavail * bsize} are free`);
}

/** Structure, labels and some of the vectors of what was written, against the graph. */
async function readBack(
  graph: HnswGraph,
  file: string,
): Promise<Pick<GraphFile, 'byteLength' | 'sha256' | 'crc32s'>> {
  const handle = await open(file, 'r+');
  try {
    await handle.sync();
    const { size } = await handle.stat();
    const layout = await readGraphLayout(handle, size, graph.parameters);
    const { labels, sha256, ...checksums } = await scanGraph(handle, layout, { sha256: true });
    const expectedCount = graph.nodeCount + graph.deletedCount;
    if (labels.length !== expectedCount || !labels.every((label) => graph.hasNode(label))) {
      throw new Error(`it holds other nodes than the ${expectedCount} of the index`);
    }
    const step = Math.max(1, Math.floor(labels.length / VERIFIED_SAMPLES));
    for (let node = 0; node < labels.length; node += step) {
      const label = labels[node] as number;
      // hnswlib tells no vector of a deleted node.
      if (!graph.isDeleted(label)) compareVector(graph, handle, layout, node, label);
    }
    return { ...checksums, sha256: sha256 as string };
  } finally {
    await handle.close();
  }
}

function compareVector(
  graph: HnswGraph,
  handle: FileHandle,
  layout: GraphLayout,
  node: number,
  label: number,
): void {
  const written = Buffer.from(readVector(handle, layout, node).buffer);
  if (!written.equals(Buffer.from(graph.vectorOfNode(label).buffer)))
    throw new Error(`vector ${label} is another when it is read back`);
}

/** A write of our own gives the reason that hnswlib does not: throws DISK_FULL when the system refuses it. */
async function probeForSpace(file: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, 'a');
    await handle.write(Buffer.alloc(CHUNK_BYTES));
    await handle.sync();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG')
      throw diskFull(file, `writing ends with ${code}`, error);
  } finally {
    await handle?.close();
  }
}

function diskFull(file: string, why: string, cause?: unknown): CliptraceError {
  return new CliptraceError(
    'DISK_FULL',
    `The vector index cannot be saved to ${dirname(file)}: ${why}. Free some space; until then a start takes longer.`,
    { cause, details: { file } },
  );
}
