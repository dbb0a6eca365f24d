import type { Library } from '../../library/types.js';
import { defaultCalibration } from './default-calibration.js';
import type { Calibration } from './types.js';

/** The calibration of each collection, read once; of one that has none, what came with the encoder. */
export class Calibrations {
  readonly #library: Library;
  readonly #modelId: string;
  readonly #known = new Map<string, Calibration>();

  constructor(library: Library, modelId: string) {
    this.#library = library;
    this.#modelId = modelId;
  }

  async of(collection: string): Promise<Calibration> {
    const known = this.#known.get(collection);
    if (known) return known;
    const own = await this.#library.getCalibration(collection, this.#modelId);
    const calibration = own ?? defaultCalibration(this.#modelId);
    this.#known.set(collection, calibration);
    return calibration;
  }
}
