import type { FfmpegChild } from './child-process.js';
import type { DecodeRequest } from './decode.js';
import { splitLevels } from './log-levels.js';
import { probeOfHeader } from './probe.js';
import { readProbeText } from './probe-text.js';
import { withoutPath } from './stderr-text.js';

/** ffmpeg tells of the header before it writes the first frame; the two come by different pipes. */
const MAX_LOOKS = 64;

/** Finds the header of the file in what a decoding ffmpeg says, and tells it once. */
export class HeaderWatch {
  readonly #request: Pick<DecodeRequest, 'filePath' | 'limits' | 'onProbe'>;
  #looksLeft = MAX_LOOKS;

  constructor(request: Pick<DecodeRequest, 'filePath' | 'limits' | 'onProbe'>) {
    this.#request = request;
    if (!request.onProbe) this.#looksLeft = 0;
  }

  /** RESOLUTION_TOO_LARGE, VIDEO_TOO_LONG. */
  look({ stderr }: Pick<FfmpegChild, 'stderr'>): void {
    if (this.#looksLeft <= 0) return;
    this.#looksLeft -= 1;
    const { filePath, limits, onProbe } = this.#request;
    const text = readProbeText(splitLevels(withoutPath(stderr.text(), filePath)).text);
    const probe = text && probeOfHeader(text, filePath, limits);
    if (!probe) return;
    this.#looksLeft = 0;
    onProbe?.(probe);
  }
}
