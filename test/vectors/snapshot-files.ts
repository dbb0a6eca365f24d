import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

export interface SnapshotFiles {
  graph: string;
  sidecar: string;
}

/** The one snapshot of a folder, beside which nothing may lie. */
export function snapshotFiles(folder: string): SnapshotFiles {
  const names = readdirSync(folder);
  const graph = names.find((name) => name.endsWith('.hnsw')) as string;
  const sidecar = names.find((name) => name.endsWith('.json')) as string;
  expect(names.sort()).toEqual([graph, sidecar].sort());
  return { graph: join(folder, graph), sidecar: join(folder, sidecar) };
}

export function flipBit(file: string, offset: number, bit: number): void {
  const bytes = readFileSync(file);
  bytes.writeUInt8(bytes.readUInt8(offset) ^ (1 << bit), offset);
  writeFileSync(file, bytes);
}
