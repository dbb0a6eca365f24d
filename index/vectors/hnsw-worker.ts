import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { answerCall } from '../threads/answer-call.js';
import { Compaction } from './compaction.js';
import { readGraphFile, writeGraphFile } from './graph-file.js';
import { HnswGraph } from './hnsw-graph.js';
import type { GraphSize, HnswCall, HnswWorkerData } from './hnsw-protocol.js';
import { recheckSuspects } from './recheck-suspects.js';
import { inSlices } from './slices.js';

const port = parentPort as MessagePort;
let graph = new HnswGraph((workerData as HnswWorkerData).parameters);
/** Everything that changes or reads the whole graph, one after another. */
let queue: Promise<void> = Promise.resolve();
let compaction: Compaction | null = null;

port.on('message', (request: HnswCall) => {
  if (request.name === 'search') {
    // At once: between two slices of whatever the queue is doing.
    void answerCall(port, request, async () => {
      const { queries, k, searchEf } = request.ask;
      const count = queries.length / graph.parameters.dimension;
      return Array.from({ length: count }, (_, row) => graph.search(queries, row, k, searchEf));
    });
    return;
  }
  // Beside the queue: it may take minutes, and nothing need wait for it.
  if (request.name === 'compact') void answerCall(port, request, compact);
  else queue = queue.then(() => answerCall(port, request, () => perform(request)));
});

async function perform(request: Exclude<HnswCall, { name: 'search' | 'compact' }>): Promise<unknown> {
  switch (request.name) {
    case 'add':
      return await add(request.ask.ids, request.ask.vectors);
    case 'remove':
      for (const id of request.ask.ids) {
        graph.remove(id);
        compaction?.touch(id);
      }
      return null;
    case 'size':
      return sizeOf(graph);
    case 'clear':
      compaction?.abort();
      graph.clear();
      return null;
    case 'write':
      return await writeGraphFile(graph, request.ask.file);
    case 'read':
      compaction?.abort();
      return await readGraphFile(graph, request.ask.file, request.ask.expected, request.ask);
    case 'ids':
      return Uint32Array.from(graph.liveIds());
    case 'differing':
      return request.ask.ids.filter((id, row) => !graph.holds(id, request.ask.vectors, row));
    case 'close':
      compaction?.abort();
      // The thread ends when nothing is left to do.
      port.close();
      return null;
  }
}

function sizeOf({ liveCount, nodeCount, hubCount, deletedCount }: HnswGraph): GraphSize {
  return { liveCount, nodeCount, hubCount, deletedCount };
}

async function compact(): Promise<null> {
  // A second one would carry the same deleted nodes away.
  if (compaction !== null) return null;
  const running = new Compaction(graph);
  compaction = running;
  try {
    await running.run((fresh) => {
      graph = fresh;
    });
  } finally {
    compaction = null;
  }
  return null;
}

async function add(ids: readonly number[], vectors: Float32Array): Promise<null> {
  await inSlices(ids, (id, row) => {
    // Whichever graph it is by now: a compaction may have ended since the last one.
    graph.add(id, vectors, row);
    compaction?.touch(id);
    return true;
  });
  await recheckSuspects(graph);
  return null;
}
