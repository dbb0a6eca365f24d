import type { Library } from '../library/types.js';
import { HnswIndex } from '../vectors/hnsw-index.js';
import { type SnapshotReading, SnapshotStore } from '../vectors/snapshot.js';
import { withoutSpoilt } from '../vectors/spoilt-vectors.js';
import type { Problem, ProblemCode } from './types.js';

/** A snapshot in memory, read before the state of the library that it is compared with. */
export interface LoadedSnapshot {
  model: { id: string; dimension: number };
  index: HnswIndex;
  reading: SnapshotReading;
}

const CHANGES_PER_BATCH = 4096;
const VECTORS_PER_BATCH = 4096;

export async function loadSnapshot(
  folder: string,
  model: { id: string; dimension: number },
): Promise<LoadedSnapshot> {
  const index = new HnswIndex(model.dimension);
  return { model, index, reading: await new SnapshotStore(folder, model.id).read(index, { thorough: true }) };
}

/**
 * The snapshot against the library: it must be whole, of this library's history, and once the changes after it are
 * applied every segment must be in it with its vector, and nothing else.
 */
export async function checkSnapshot(
  { model, index, reading }: LoadedSnapshot,
  library: Library,
  options: { required: boolean },
): Promise<Problem[]> {
  const told = (code: ProblemCode, detail: string): Problem[] => [
    {
      code,
      subject: `vector index of ${model.id}`,
      detail,
      repair: { kind: 'rebuild-snapshot', modelId: model.id, dimension: model.dimension },
      remedy: '',
    },
  ];
  if (!reading.loaded) {
    if (reading.isOlder) {
      return options.required
        ? told('SNAPSHOT_MISSING', `${reading.reason}: the next start builds it anew`)
        : [];
    }
    if (reading.reason !== null) return told('SNAPSHOT_DAMAGED', reading.reason);
    return options.required ? told('SNAPSHOT_MISSING', 'there is none: the next start builds it anew') : [];
  }
  const { sequence, mark } = reading.position;
  const last = await library.lastSequence();
  if (sequence > last) {
    return told('SNAPSHOT_FOREIGN', `it holds change ${sequence}, the library ends with ${last}`);
  }
  if ((await library.changeMark(sequence)) !== mark) {
    return told(
      'SNAPSHOT_FOREIGN',
      'it belongs to another library, or to a history that a restored backup has replaced',
    );
  }
  const detail = await disagreement(model.id, index, library, sequence);
  return detail === null ? [] : told('SNAPSHOT_DISAGREES', detail);
}

async function disagreement(
  modelId: string,
  index: HnswIndex,
  library: Library,
  sequence: number,
): Promise<string | null> {
  const held = new Set(await index.ids());
  const extra = new Set(held);
  await replay(modelId, library, sequence, extra);
  const missing: number[] = [];
  const different: number[] = [];
  for (let afterId = 0; ; ) {
    const batch = await library.readVectors(modelId, afterId, VECTORS_PER_BATCH);
    if (batch.ids.length === 0) break;
    afterId = batch.ids.at(-1) as number;
    // Spoilt ones are kept out of every index, and told as features that are invalid.
    const { sound, spoiltIds } = withoutSpoilt(batch, index.dimension);
    missing.push(...sound.ids.filter((id) => !extra.delete(id)));
    for (const id of spoiltIds) extra.delete(id);
    const odd = await index.differing(sound.ids, sound.vectors);
    different.push(...odd.filter((id) => held.has(id)));
  }
  const parts = [
    listed(missing, 'segments of the library are not in it'),
    listed([...extra], 'of its segments are not in the library'),
    listed(different, 'segments have another vector in it'),
  ];
  return parts.filter((part) => part !== null).join('; ') || null;
}

/** Applies to the ids of the snapshot what the library changed after it. */
async function replay(
  modelId: string,
  library: Library,
  afterSequence: number,
  ids: Set<number>,
): Promise<void> {
  for (let sequence = afterSequence; ; ) {
    const changes = await library.changesAfter(modelId, sequence, CHANGES_PER_BATCH);
    const last = changes.at(-1);
    if (last === undefined) return;
    for (const { segmentId, kind } of changes) {
      if (kind === 'removed') ids.delete(segmentId);
      else ids.add(segmentId);
    }
    sequence = last.sequence;
  }
}

function listed(ids: readonly number[], what: string): string | null {
  if (ids.length === 0) return null;
  const shown = ids.slice(0, 5).join(', ');
  return `${ids.length} ${what} (${shown}${ids.length > 5 ? ', ...' : ''})`;
}
