import type { FileHandle } from 'node:fs/promises';
import type { GraphParameters } from './node-graph.js';

/** Where things are in a file that hnswlib 0.8 writes: header, one record a node, and the upper links of each node. */
export interface GraphLayout {
  nodeCount: number;
  /** Links of the lowest level, vector, label. */
  recordBytes: number;
  vectorOffset: number;
  labelOffset: number;
}

export const GRAPH_HEADER_BYTES = 96;
const CHUNK_BYTES = 1 << 20;
/** hnswlib draws levels from an exponential distribution: with m 16, one node of 10^24 would be on this one. */
const MAXIMUM_LEVEL = 64;
const SPARE_CAPACITY = 4096;

/**
 * The layout of an open file of `byteLength` bytes. Throws unless header and upper links are those of a whole graph of
 * these parameters: hnswlib trusts their sizes when it reads them.
 */
export async function readGraphLayout(
  handle: FileHandle,
  byteLength: number,
  parameters: GraphParameters,
): Promise<GraphLayout> {
  const header = Buffer.alloc(GRAPH_HEADER_BYTES);
  await handle.read(header, 0, GRAPH_HEADER_BYTES, 0);
  const layout = layoutOf(parameters, Number(header.readBigUInt64LE(16)));
  checkHeader(header, layout, parameters);
  const linksStart = GRAPH_HEADER_BYTES + layout.nodeCount * layout.recordBytes;
  if (linksStart > byteLength) throw new Error(`it has no room for its ${layout.nodeCount} nodes`);
  await checkUpperLinks(handle, linksStart, byteLength, layout.nodeCount, parameters.m);
  return layout;
}

/** What `hnswlib` would write for a graph of these parameters. */
export function layoutOf({ dimension, m }: GraphParameters, nodeCount: number): GraphLayout {
  const vectorOffset = 4 + 4 * 2 * m;
  const labelOffset = vectorOffset + 4 * dimension;
  return { nodeCount, vectorOffset, labelOffset, recordBytes: labelOffset + 8 };
}

function checkHeader(header: Buffer, layout: GraphLayout, { m }: GraphParameters): void {
  const word = (offset: number) => Number(header.readBigUInt64LE(offset));
  const { nodeCount } = layout;
  const capacity = word(8);
  const [maximumLevel, entryPoint] = [header.readInt32LE(48), header.readUInt32LE(52)];
  const expected = [
    [word(0), 0],
    [word(24), layout.recordBytes],
    [word(32), layout.labelOffset],
    [word(40), layout.vectorOffset],
    [word(56), m],
    [word(64), 2 * m],
    [word(72), m],
  ];
  const sound =
    Number.isSafeInteger(nodeCount) &&
    expected.every(([actual, wanted]) => actual === wanted) &&
    capacity >= nodeCount &&
    capacity <= 2 * nodeCount + SPARE_CAPACITY &&
    maximumLevel < MAXIMUM_LEVEL &&
    (nodeCount === 0 || (maximumLevel >= 0 && entryPoint < nodeCount));
  if (!sound) throw new Error('its header is not that of such a graph');
}

/** A length and as many links for each node, to the last byte. */
async function checkUpperLinks(
  handle: FileHandle,
  start: number,
  end: number,
  nodeCount: number,
  m: number,
): Promise<void> {
  const levelBytes = 4 * m + 4;
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  // Its methods are the engine's own, while those of a Buffer have to be compiled first.
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
  let position = start;
  let chunkStart = start;
  let chunkEnd = start;
  for (let node = 0; node < nodeCount; node += 1) {
    if (position + 4 > chunkEnd) {
      chunkStart = position;
      chunkEnd = position + (await handle.read(chunk, 0, CHUNK_BYTES, position)).bytesRead;
      if (position + 4 > chunkEnd) throw new Error(`it ends before the links of node ${node}`);
    }
    const length = view.getUint32(position - chunkStart, true);
    if (length % levelBytes !== 0 || length > MAXIMUM_LEVEL * levelBytes) {
      throw new Error(`the links of node ${node} have an impossible length`);
    }
    position += 4 + length;
  }
  if (position !== end) throw new Error(`its links end at byte ${position} instead of ${end}`);
}
