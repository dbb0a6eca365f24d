import { createHash, randomBytes } from 'node:crypto';
import { open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { errorMessageOf } from '../errors.js';
import { explainWriteError } from '../storage-errors.js';
import type { HnswIndex } from './hnsw-index.js';

const FORMAT_VERSION = 3;

const SIDECAR = z.object({
  formatVersion: z.literal(FORMAT_VERSION),
  modelId: z.string(),
  dimension: z.int().positive(),
  metric: z.literal('cosine'),
  m: z.int().positive(),
  efConstruction: z.int().positive(),
  liveCount: z.int().nonnegative(),
  deletedLabels: z.array(z.int().nonnegative()),
  hubLabels: z.array(z.int().nonnegative()),
  nearCounts: z.array(z.tuple([z.int().nonnegative(), z.base64()])),
  twins: z.array(z.tuple([z.int().nonnegative(), z.array(z.int().nonnegative())])),
  /** The last change of the library that the graph holds, and the random mark of that change. */
  sequence: z.int().nonnegative(),
  mark: z.int().nullable(),
  /** Name of the graph file beside the sidecar. */
  file: z.string().regex(/^[^/\\]+\.hnsw$/),
  byteLength: z.int().positive(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  crc32s: z.array(z.int().nonnegative()),
  writtenAt: z.string(),
});

type Sidecar = z.infer<typeof SIDECAR>;

/** Where in the library's history a snapshot stands. */
export interface SnapshotPosition {
  sequence: number;
  mark: number | null;
}

export type SnapshotReading =
  | { loaded: true; position: SnapshotPosition }
  /** `reason` is null when there simply is none; `isOlder`: an earlier version wrote it, and nothing is wrong with it. */
  | { loaded: false; reason: string | null; isOlder: boolean };

const OLDER_FORMAT = 'it is of the format of an earlier version';

/**
 * Files of one model's index in a folder: graph files, of which the newest whole one is named by a JSON sidecar. The
 * sidecar is replaced last and in one step, so a reader always sees a sidecar with the graph that it describes.
 */
export class SnapshotStore {
  readonly #folder: string;
  readonly #modelId: string;
  readonly #stem: string;

  constructor(folder: string, modelId: string) {
    this.#folder = folder;
    this.#modelId = modelId;
    this.#stem = stemOf(modelId);
  }

  /** Writes the index as it is when the write begins; the caller lets nothing change it meanwhile. DISK_FULL. */
  async write(index: HnswIndex, position: SnapshotPosition): Promise<void> {
    const name = `${this.#stem}.${position.sequence}-${randomBytes(4).toString('hex')}.hnsw`;
    const temporary = join(this.#folder, `${name}.tmp`);
    try {
      const { byteLength, sha256, crc32s, ...content } = await index.write(temporary);
      await rename(temporary, join(this.#folder, name));
      await this.#writeSidecar({
        formatVersion: FORMAT_VERSION,
        modelId: this.#modelId,
        ...index.parameters,
        metric: 'cosine',
        ...content,
        ...position,
        file: name,
        byteLength,
        sha256,
        crc32s,
        writtenAt: new Date().toISOString(),
      });
    } catch (error) {
      throw explainWriteError(error, `The vector index in ${this.#folder}`);
    } finally {
      // What could not be removed now is removed after the next write.
      await this.#sweep().catch(() => undefined);
    }
  }

  /** Deletes the snapshot, whole or not, so that the index is built anew. Only for who holds the data folder. */
  async remove(): Promise<void> {
    await rm(this.#sidecarFile, { recursive: true, force: true });
    await this.#sweep();
  }

  /** The files of the snapshot as its sidecar has them now, whole or not; null when there is no readable sidecar. */
  async files(): Promise<{ sidecar: string; graph: string; sequence: number } | null> {
    const sidecar = await this.#readSidecar();
    if (sidecar === null || typeof sidecar === 'string') return null;
    return {
      sidecar: this.#sidecarFile,
      graph: join(this.#folder, sidecar.file),
      sequence: sidecar.sequence,
    };
  }

  /** Which of the folder's names are of this store, and which of those no reader would ever look at. */
  async inspect(names: readonly string[]): Promise<{ own: string[]; stray: string[] }> {
    const own = names.filter((name) => name.startsWith(`${this.#stem}.`));
    const sidecar = await this.#readSidecar();
    const graphs = own.filter((name) => name.endsWith('.hnsw'));
    // What a damaged sidecar belongs to, nobody knows.
    const kept = typeof sidecar === 'string' ? graphs : sidecar === null ? [] : [sidecar.file];
    const stray = own.filter((name) => name !== basename(this.#sidecarFile) && !kept.includes(name));
    return { own, stray };
  }

  /**
   * Loads the snapshot into the index if it is whole and fits it; says why not otherwise. `thorough` compares the SHA-256
   * beside the checksums.
   */
  async read(index: HnswIndex, options = { thorough: false }): Promise<SnapshotReading> {
    // A writer may replace the graph between the reading of sidecar and graph; the next sidecar is whole again.
    for (let attempt = 1; ; attempt += 1) {
      const sidecar = await this.#readSidecar();
      if (sidecar === null) return { loaded: false, reason: null, isOlder: false };
      const reason = typeof sidecar === 'string' ? sidecar : await this.#load(index, sidecar, options);
      if (reason === null) return { loaded: true, position: positionOf(sidecar as Sidecar) };
      const current = await this.#readSidecar();
      if (attempt === 3 || JSON.stringify(current) === JSON.stringify(sidecar))
        return { loaded: false, reason, isOlder: reason === OLDER_FORMAT };
    }
  }

  async #load(index: HnswIndex, sidecar: Sidecar, options: { thorough: boolean }): Promise<string | null> {
    const { parameters } = index;
    const difference =
      compare('model', sidecar.modelId, this.#modelId) ??
      compare('dimension', sidecar.dimension, parameters.dimension) ??
      compare('m', sidecar.m, parameters.m) ??
      compare('efConstruction', sidecar.efConstruction, parameters.efConstruction);
    if (difference !== null) return difference;
    return await index.read(join(this.#folder, sidecar.file), sidecar, options);
  }

  /** A string says why it cannot be read. */
  async #readSidecar(): Promise<Sidecar | string | null> {
    let text: string;
    try {
      text = await readFile(this.#sidecarFile, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      return `its sidecar cannot be read: ${errorMessageOf(error)}`;
    }
    try {
      const { sidecarSha256, ...content } = JSON.parse(text);
      if (sidecarSha256 !== checksumOf(content)) return 'its sidecar was altered or cut';
      if (Number.isInteger(content.formatVersion) && content.formatVersion < FORMAT_VERSION)
        return OLDER_FORMAT;
      const parsed = SIDECAR.safeParse(content);
      if (parsed.success) return parsed.data;
      const [issue] = parsed.error.issues;
      return `its sidecar is of another format: ${issue?.path.join('.')}: ${issue?.message}`;
    } catch (error) {
      return `its sidecar is no JSON: ${errorMessageOf(error)}`;
    }
  }

  async #writeSidecar(sidecar: Sidecar): Promise<void> {
    const temporary = `${this.#sidecarFile}.tmp`;
    const text = JSON.stringify({ ...sidecar, sidecarSha256: checksumOf(sidecar) });
    // The graph's name must be on the disk before a sidecar that refers to it.
    await syncFolder(this.#folder);
    await writeFile(temporary, text, { flush: true });
    await rename(temporary, this.#sidecarFile);
    await syncFolder(this.#folder);
  }

  /** Removes graphs that no sidecar names: older ones, and what an interrupted write left. */
  async #sweep(): Promise<void> {
    const sidecar = await this.#readSidecar();
    const kept = sidecar !== null && typeof sidecar !== 'string' ? sidecar.file : null;
    for (const name of await readdir(this.#folder)) {
      const isGraph = name.startsWith(`${this.#stem}.`) && /\.(hnsw|tmp)$/.test(name);
      if (isGraph && name !== kept) await rm(join(this.#folder, name), { recursive: true, force: true });
    }
  }

  get #sidecarFile(): string {
    return join(this.#folder, `${this.#stem}.json`);
  }
}

function positionOf(sidecar: Sidecar): SnapshotPosition {
  return { sequence: sidecar.sequence, mark: sidecar.mark };
}

/** A file name for any model id; the hash keeps apart ids that differ in what a file name cannot hold. */
function stemOf(modelId: string): string {
  const readable = modelId.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, 80);
  return `${readable}~${createHash('sha256').update(modelId).digest('hex').slice(0, 8)}`;
}

function checksumOf(content: unknown): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}

function compare(what: string, found: string | number, needed: string | number): string | null {
  return found === needed ? null : `it is of ${what} ${found}, and ${needed} is needed`;
}

async function syncFolder(folder: string): Promise<void> {
  // Windows opens no folders, and orders renames by itself.
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
