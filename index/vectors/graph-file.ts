import { createHash } from 'node:crypto';
import { type FileHandle, open, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CliptraceError, errorMessageOf } from '../errors.js';
import { HnswGraph } from './hnsw-graph.js';
import type { GraphFile } from './hnsw-protocol.js';

const CHUNK_BYTES = 1024 * 1024;
const VERIFIED_SAMPLES = 16;

/**
 * Writes the graph to `file`, syncs it, and makes sure that what lies there is the graph. DISK_FULL.
 * hnswlib reports no failed write, so the file is measured by reading it back.
 */
export async function writeGraphFile(graph: HnswGraph, file: string): Promise<GraphFile> {
  await requireSpace(graph, file);
  await graph.write(file);
  await verify(graph, file);
  await sync(file);
  return { ...(await digest(file)), ...graph.content() };
}

/** Loads `file` into the graph; answers why that cannot be done, or null. */
export async function readGraphFile(
  graph: HnswGraph,
  file: string,
  expected: GraphFile,
): Promise<string | null> {
  try {
    const { size } = await stat(file);
    if (size !== expected.byteLength) return `its file has ${size} bytes instead of ${expected.byteLength}`;
    const { sha256 } = await digest(file);
    if (sha256 !== expected.sha256)
      return `its file was altered: SHA-256 ${sha256} instead of ${expected.sha256}`;
    await graph.read(file, expected);
    return null;
  } catch (error) {
    return `its file cannot be read: ${errorMessageOf(error)}`;
  }
}

async function requireSpace(graph: HnswGraph, file: string): Promise<void> {
  const nodes = graph.nodeCount + graph.deletedCount;
  const { dimension, m } = graph.parameters;
  const neededBytes = nodes * (4 * dimension + 8 * m + 16);
  const { bavail, bsize } = await statfs(dirname(file));
  if (bavail * bsize < neededBytes)
    throw diskFull(file, `${neededBytes} bytes are needed, ${bavail * bsize} are free`);
}

async function verify(graph: HnswGraph, file: string): Promise<void> {
  try {
    const copy = new HnswGraph(graph.parameters);
    await copy.read(file, graph.content());
    await compare(graph, copy);
  } catch (error) {
    await probeForSpace(file);
    throw new CliptraceError(
      'INTERNAL',
      `The snapshot ${file} was not written as it should: ${errorMessageOf(error)}.`,
      {
        cause: error,
      },
    );
  }
}

/** Answers of both graphs to some of their own vectors. */
async function compare(graph: HnswGraph, copy: HnswGraph): Promise<void> {
  const ids = graph.liveIds();
  const step = Math.max(1, Math.floor(ids.length / VERIFIED_SAMPLES));
  for (let i = 0; i < ids.length; i += step) {
    const query = graph.vectorOf(ids[i] as number);
    const expected = graph.search(query, 0, 10);
    const actual = copy.search(query, 0, 10);
    if (JSON.stringify(actual) !== JSON.stringify(expected)) {
      throw new Error(`it answers otherwise for vector ${ids[i]} when it is read back`);
    }
    await nextTurn();
  }
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

async function sync(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function digest(file: string): Promise<{ byteLength: number; sha256: string }> {
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  const handle = await open(file, 'r');
  try {
    let byteLength = 0;
    for (;;) {
      const { bytesRead } = await handle.read(chunk, 0, CHUNK_BYTES);
      if (bytesRead === 0) return { byteLength, sha256: hash.digest('hex') };
      hash.update(chunk.subarray(0, bytesRead));
      byteLength += bytesRead;
    }
  } finally {
    await handle.close();
  }
}
