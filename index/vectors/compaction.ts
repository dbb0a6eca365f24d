import { HnswGraph } from './hnsw-graph.js';
import { recheckSuspects } from './recheck-suspects.js';
import { inSlices } from './slices.js';

/**
 * Builds a graph anew without its deleted nodes while the old one goes on answering, growing and shrinking: what is
 * touched meanwhile is brought over at the end.
 */
export class Compaction {
  readonly #source: HnswGraph;
  readonly #fresh: HnswGraph;
  readonly #touched = new Set<number>();
  #aborted = false;

  constructor(source: HnswGraph) {
    this.#source = source;
    this.#fresh = new HnswGraph(source.parameters);
  }

  /** An id that is added to or removed from the old graph. */
  touch(id: number): void {
    this.#touched.add(id);
  }

  abort(): void {
    this.#aborted = true;
  }

  /** `take` is called with the new graph at a moment at which it is the old one's equal; not at all after `abort`. */
  async run(take: (graph: HnswGraph) => void): Promise<void> {
    await this.#carry(this.#source.liveIds().filter((id) => !this.#touched.has(id)));
    await recheckSuspects(this.#fresh);
    while (this.#touched.size > 0 && !this.#aborted) {
      const ids = [...this.#touched];
      this.#touched.clear();
      await this.#carry(ids);
      await recheckSuspects(this.#fresh);
    }
    if (!this.#aborted) take(this.#fresh);
  }

  async #carry(ids: readonly number[]): Promise<void> {
    await inSlices(ids, (id) => {
      if (this.#aborted) return false;
      if (this.#source.has(id)) this.#fresh.add(id, this.#source.vectorOf(id), 0);
      else this.#fresh.remove(id);
      return true;
    });
  }
}
