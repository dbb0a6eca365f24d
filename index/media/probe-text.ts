/** What ffmpeg prints of a file that it opens, as far as it is of use. Unknown is null. */
export interface ProbeText {
  container: string;
  durationSeconds: number | null;
  /** The stream that ffmpeg chose for its output. */
  video: VideoStreamText | null;
  hasAudio: boolean;
}

export interface VideoStreamText {
  index: number;
  codec: string;
  /** As stored, before rotation. */
  width: number | null;
  height: number | null;
  framesPerSecond: number | null;
  /** Clockwise turn that shows it upright: 0, 90, 180, 270 or what else the file says. */
  rotationDegrees: number;
}

interface StreamSection {
  index: number;
  type: string;
  description: string;
  lines: string[];
}

const STREAM =
  /^\s+Stream #(\d+):(\d+)(?:\[0x[0-9a-f]+\])?(?:\([^)]*\))?: (Video|Audio|Subtitle|Data|Attachment|Unknown): (.*)$/i;

/**
 * Reads stderr of ffmpeg 4 to 9, run with one video stream of each input mapped to one or more outputs, the files' paths
 * already taken out. Null when ffmpeg did not open the file.
 */
export function readProbeText(stderr: string, inputNumber = 0): ProbeText | null {
  const start = stderr.search(new RegExp(`^Input #${inputNumber}, `, 'm'));
  if (start < 0) return null;
  const fromInput = stderr.slice(start);
  // What the values of a file's tags say is indented: it cannot pass for one of these. Their names can: see `isInOrder`.
  const inputLength = fromInput.search(
    new RegExp(`^(Input #${inputNumber + 1}, |Output #0|Stream mapping:|Stream map )`, 'm'),
  );
  const input = inputLength < 0 ? fromInput : fromInput.slice(0, inputLength);
  const lines = input.split(/\r?\n/);
  const container = /^Input #\d+, (.+?), from /.exec(lines[0] ?? '')?.[1];
  if (container === undefined) return null;
  const sections = streamSections(lines, inputNumber);
  const chosen = chosenIndex(fromInput.slice(input.length), inputNumber);
  const video = sections.find(({ type, index }) => type === 'Video' && index === chosen);
  return {
    container,
    durationSeconds: durationOf(lines),
    video: video ? readVideoStream(video) : null,
    hasAudio: sections.some((section) => section.type === 'Audio'),
  };
}

/**
 * Whether stderr describes so many inputs, each once, in their order, and then what it does with them. A file whose tags have line
 * breaks in their names can print any line, but not take away the true ones.
 */
export function isInOrder(stderr: string, inputs: number): boolean {
  const found = [...stderr.matchAll(/^(?:Input #(\d+), |(Stream mapping:))/gm)];
  const wanted = [...Array.from({ length: inputs }, (_, i) => String(i)), undefined];
  return found.length === wanted.length && found.every((match, i) => match[1] === wanted[i]);
}

/** Of `Stream #0:1 -> #0:0 (copy)`. Not from the list of streams: ffmpeg 4 does not tell there which is a cover picture. */
function chosenIndex(afterInput: string, inputNumber: number): number | null {
  const mapping = afterInput.slice(Math.max(0, afterInput.search(/^Stream mapping:/m)));
  const index = new RegExp(`^\\s+Stream #${inputNumber}:(\\d+) -> #`, 'm').exec(mapping)?.[1];
  return index === undefined ? null : Number(index);
}

function streamSections(lines: readonly string[], inputNumber: number): StreamSection[] {
  const sections: StreamSection[] = [];
  for (const line of lines) {
    const match = STREAM.exec(line);
    if (match && Number(match[1]) === inputNumber) {
      const [, , index = '', type = '', description = ''] = match;
      sections.push({ index: Number(index), type, description, lines: [] });
    } else {
      sections.at(-1)?.lines.push(line);
    }
  }
  return sections;
}

function durationOf(lines: readonly string[]): number | null {
  for (const line of lines) {
    const match = /^\s+Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)/.exec(line);
    if (match) return Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3]);
  }
  return null;
}

function readVideoStream({ index, description, lines }: StreamSection): VideoStreamText {
  const size = /, (\d+)x(\d+)(?=[\s,[]|$)/.exec(description);
  return {
    index,
    codec: /^[^\s,]+/.exec(description)?.[0] ?? 'none',
    width: size ? Number(size[1]) : null,
    height: size ? Number(size[2]) : null,
    framesPerSecond: rateOf(description),
    rotationDegrees: rotationOf(lines),
  };
}

/** More is a time base that passes for a rate. */
const MAX_FRAMES_PER_SECOND = 1000;

/** `30 fps`, `1k fps`; where the container gives no average, ffmpeg's guess `tbr`. */
function rateOf(description: string): number | null {
  for (const unit of ['fps', 'tbr']) {
    const match = new RegExp(`, (\\d+(?:\\.\\d+)?)(k?) ${unit}(?:,|$|\\s)`).exec(description);
    const rate = match ? Number(match[1]) * (match[2] === 'k' ? 1000 : 1) : 0;
    if (rate > 0 && rate <= MAX_FRAMES_PER_SECOND) return rate;
  }
  return null;
}

/** The display matrix decides, as it does for ffmpeg's own turning; it counts anticlockwise. */
function rotationOf(lines: readonly string[]): number {
  const matrix = lines
    .map((line) => /display ?matrix: rotation of (-?[\d.]+) degrees/i.exec(line)?.[1])
    .find(Boolean);
  const tag = lines.map((line) => /^\s+rotate\s*: (-?\d+)\s*$/.exec(line)?.[1]).find(Boolean);
  const clockwise = matrix === undefined ? Number(tag ?? 0) : -Number(matrix);
  const degrees = Math.round(clockwise) % 360;
  // + 0 turns a negative zero into zero.
  return (degrees < 0 ? degrees + 360 : degrees) + 0;
}
