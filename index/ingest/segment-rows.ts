import type { SegmentBatch } from '../library/types.js';
import type { PlainKind } from '../media/plain-kinds.js';
import type { Span } from '../span.js';

/** The segments of one video while they are being encoded; grows by doubling. */
export class SegmentRows {
  readonly #spans: Span[] = [];
  readonly #plain: (PlainKind | null)[] = [];
  readonly #embeddingLength: number;
  readonly #timestepLength: number;
  #embeddings: Float32Array;
  #timesteps: Float32Array;

  constructor(embeddingLength: number, timestepLength: number) {
    this.#embeddingLength = embeddingLength;
    this.#timestepLength = timestepLength;
    this.#embeddings = new Float32Array(16 * embeddingLength);
    this.#timesteps = new Float32Array(16 * timestepLength);
  }

  /** Returns the number of the row. */
  add(span: Span, plain: PlainKind | null): number {
    const row = this.#spans.push(span) - 1;
    this.#plain.push(plain);
    if ((row + 1) * this.#embeddingLength > this.#embeddings.length) {
      this.#embeddings = doubled(this.#embeddings);
      this.#timesteps = doubled(this.#timesteps);
    }
    return row;
  }

  set(row: number, embedding: Float32Array, timesteps: Float32Array): void {
    this.#embeddings.set(embedding, row * this.#embeddingLength);
    this.#timesteps.set(timesteps, row * this.#timestepLength);
  }

  batch(): SegmentBatch {
    const count = this.#spans.length;
    return {
      spans: this.#spans,
      plain: this.#plain,
      embeddings: this.#embeddings.slice(0, count * this.#embeddingLength),
      timesteps: this.#timesteps.slice(0, count * this.#timestepLength),
    };
  }
}

function doubled(values: Float32Array): Float32Array {
  const larger = new Float32Array(values.length * 2);
  larger.set(values);
  return larger;
}
