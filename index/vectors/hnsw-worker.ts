import { setImmediate as nextTurn } from 'node:timers/promises';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { CliptraceError, errorCodeOf, errorMessageOf } from '../errors.js';
import { readGraphFile, writeGraphFile } from './graph-file.js';
import { HnswGraph } from './hnsw-graph.js';
import type { HnswReply, HnswRequest, HnswWorkerData } from './hnsw-protocol.js';

/** How long insertions hold the thread before a search may go ahead. */
const SLICE_MS = 4;

const port = parentPort as MessagePort;
let graph = new HnswGraph((workerData as HnswWorkerData).parameters);
/** Everything that changes or reads the whole graph, one after another. */
let queue: Promise<void> = Promise.resolve();

port.on('message', (request: HnswRequest) => {
  if (request.name === 'search') {
    // At once: between two slices of whatever the queue is doing.
    void reply(request, async () => {
      const { queries, k, searchEf } = request.ask;
      const count = queries.length / graph.parameters.dimension;
      return Array.from({ length: count }, (_, row) => graph.search(queries, row, k, searchEf));
    });
    return;
  }
  queue = queue.then(() => reply(request, () => perform(request)));
});

async function reply(request: HnswRequest, work: () => Promise<unknown>): Promise<void> {
  let message: HnswReply;
  try {
    message = { id: request.id, answer: await work() };
  } catch (error) {
    const details = error instanceof CliptraceError ? { ...error.details } : {};
    message = {
      id: request.id,
      error: { code: errorCodeOf(error), message: errorMessageOf(error), details },
    };
  }
  port.postMessage(message);
}

async function perform(request: Exclude<HnswRequest, { name: 'search' }>): Promise<unknown> {
  switch (request.name) {
    case 'add':
      return await insert(graph, request.ask.ids, (i) => ({ vectors: request.ask.vectors, row: i }));
    case 'remove':
      for (const id of request.ask.ids) graph.remove(id);
      return null;
    case 'size':
      return { liveCount: graph.liveCount, nodeCount: graph.nodeCount, deletedCount: graph.deletedCount };
    case 'compact':
      return await compact();
    case 'clear':
      graph.clear();
      return null;
    case 'write':
      return await writeGraphFile(graph, request.ask.file);
    case 'read':
      return await readGraphFile(graph, request.ask.file, request.ask.expected, request.ask);
    case 'ids':
      return Uint32Array.from(graph.liveIds());
    case 'differing':
      return request.ask.ids.filter((id, row) => !graph.holds(id, request.ask.vectors, row));
    case 'close':
      // The thread ends when nothing is left to do.
      port.close();
      return null;
  }
}

async function compact(): Promise<null> {
  const fresh = new HnswGraph(graph.parameters);
  // The old graph answers searches until the new one is whole.
  const ids = graph.liveIds();
  await insert(fresh, ids, (i) => ({ vectors: graph.vectorOf(ids[i] as number), row: 0 }));
  graph = fresh;
  return null;
}

async function insert(
  target: HnswGraph,
  ids: readonly number[],
  vectorAt: (position: number) => { vectors: Float32Array; row: number },
): Promise<null> {
  let sliceStart = performance.now();
  for (const [i, id] of ids.entries()) {
    const { vectors, row } = vectorAt(i);
    target.add(id, vectors, row);
    if (performance.now() - sliceStart < SLICE_MS) continue;
    await nextTurn();
    sliceStart = performance.now();
  }
  return null;
}
