import { StringDecoder } from 'node:string_decoder';
import { fileArgument, shownName } from './file-name.js';

/** Whatever a file says of itself comes before what its streams are. */
const HEAD_CHARACTERS = 256 * 1024;
const TAIL_CHARACTERS = 256 * 1024;
const LINE_CHARACTERS = 500;

/** A line of a message, as long as is of use. */
export function shortened(line: string): string {
  return line.slice(0, LINE_CHARACTERS);
}

/** What a child said on stderr: its beginning and its end, bounded however much it says. */
export class StderrText {
  readonly #decoder = new StringDecoder('utf8');
  #head = '';
  #tail = '';
  #cut = false;

  push(bytes: Buffer): void {
    let text = this.#decoder.write(bytes);
    if (this.#head.length < HEAD_CHARACTERS) {
      const taken = text.slice(0, HEAD_CHARACTERS - this.#head.length);
      this.#head += taken;
      text = text.slice(taken.length);
    }
    this.#tail += text;
    // Trimmed at twice the size, so that many small pieces do not each copy the whole tail.
    if (this.#tail.length > 2 * TAIL_CHARACTERS) {
      this.#tail = this.#tail.slice(-TAIL_CHARACTERS);
      this.#cut = true;
    }
  }

  /** Whether something between beginning and end has been left out. */
  get isCut(): boolean {
    return this.#cut;
  }

  /** Whole lines only where something was left out: the rest of one would pass for another. */
  text(): string {
    if (!this.#cut) return this.#head + this.#tail;
    const head = this.#head.slice(0, this.#head.lastIndexOf('\n') + 1);
    return head + this.#tail.slice(this.#tail.indexOf('\n') + 1);
  }

  /** Lines that are not blank, each bounded; the file's path, which may hold line breaks, is its name only. */
  lines(filePath: string): string[] {
    return withoutPath(this.text(), filePath)
      .split(/[\r\n]+/)
      .filter((line) => line.trim() !== '')
      .map(shortened);
  }
}

/** ffmpeg repeats its arguments: with them, a crafted file name could pass for ffmpeg's own lines. */
export function withoutPath(text: string, filePath: string): string {
  return text.split(fileArgument(filePath)).join(shownName(filePath));
}
