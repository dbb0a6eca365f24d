import type { Preprocessing } from '../encoder/manifest.js';
import { type ChildEnd, FfmpegChild } from './child-process.js';
import type { ClipPool } from './clip-pool.js';
import { ClipWindow } from './clip-window.js';
import { checkContainer } from './container-check.js';
import { cutFrames, lastClip } from './decode.js';
import { clipOutput, type PictureOutput, pictureOutput } from './decode-arguments.js';
import { tellOfDamage } from './ffmpeg-messages.js';
import { shownName } from './file-name.js';
import { readFrames } from './frame-reader.js';
import { fileArguments, globalArguments } from './input-arguments.js';
import { limitsFor } from './limits-of-file.js';
import { splitLevels } from './log-levels.js';
import { refuseEncrypted } from './mp4-encryption.js';
import { probeOfHeader } from './probe.js';
import { isInOrder, readProbeText } from './probe-text.js';
import { withoutPath } from './stderr-text.js';
import type { DecodedClip, DecodeSummary, FfmpegProgram, MediaLimits, VideoProbe } from './types.js';

export interface GroupRequest {
  ffmpeg: FfmpegProgram;
  preprocessing: Preprocessing;
  hopSeconds: number;
  /** See `DecodeRequest`. */
  pool?: ClipPool | undefined;
  limits: MediaLimits;
  signal?: AbortSignal | undefined;
  members: readonly GroupMember[];
}

export interface GroupMember {
  filePath: string;
  pictures?: PictureOutput | undefined;
}

/** Something went wrong somewhere in the group, and ffmpeg does not tell where: decode each file by itself. */
export class GroupBroken extends Error {
  constructor(cause?: unknown) {
    super('The group could not be decoded as a whole', { cause });
    this.name = 'GroupBroken';
  }
}

/** All of a short file: its reading thread then ends at once, where with ffmpeg's own 8 packets it would be woken for every few. */
const QUEUED_PACKETS = 4096;

/** Of one frame of each file together: a decoder keeps up to seventeen, 1.5 bytes a pixel. Eight files of 1920x1080. */
const MAX_GROUP_PIXELS = 8 * 1920 * 1088;
/** Of one file: the others are finished when the last of them is. */
const MAX_MEMBER_SECONDS = 1800;
/** ffmpeg describes its inputs before it writes the first frame; the two come by different pipes. */
const MAX_LOOKS = 64;

/** stdin, stdout and stderr come before. */
const FIRST_DESCRIPTOR = 3;

interface Output {
  /** Among the pipes of the child; stdout is 0. */
  pipe: number;
  clipsDescriptor: number;
  picturesDescriptor: number | null;
}

/**
 * Several short files decoded by one ffmpeg process, whose start costs more than a short file does. Only what went well as a whole is
 * believed: the clips of a file that end without an error are those of `decodeClips`; else GroupBroken, or DISK_FULL, CANCELLED and
 * FFMPEG_NOT_USABLE, which no file by itself would escape. Files whose frames are large, or that last long, are none for a group. Read all members at the same time, and `stop()` in the end.
 */
export class DecodeGroup {
  readonly #request: GroupRequest;
  readonly #outputs: readonly Output[];
  readonly #child: FfmpegChild;
  /** By member. */
  readonly #limits: readonly MediaLimits[];
  /** As the headers say, by member; empty until ffmpeg has told. */
  #promisedSeconds: (number | null)[] = [];
  #looksLeft = MAX_LOOKS;
  #end: Promise<ChildEnd> | null = null;

  /** GroupBroken when a file is none that may be opened. */
  static async open(request: GroupRequest): Promise<DecodeGroup> {
    const checked = await Promise.all(
      request.members.map(async ({ filePath }) => {
        const container = await checkContainer(filePath);
        await refuseEncrypted(filePath, container.demuxers);
        return container;
      }),
    ).catch((error: unknown) => {
      throw new GroupBroken(error);
    });
    return new DecodeGroup(request, checked);
  }

  private constructor(
    request: GroupRequest,
    containers: readonly { demuxers: readonly string[]; fileBytes: number }[],
  ) {
    const { ffmpeg, preprocessing, limits, signal, members } = request;
    const { timeoutMs, stallTimeoutMs, cpuSeconds, memoryBytes } = limits;
    const extra: ('pipe' | number)[] = [];
    this.#request = request;
    this.#limits = containers.map(({ fileBytes }) => limitsFor(limits, fileBytes));
    this.#outputs = members.map(({ pictures }, i) => ({
      pipe: i + 1,
      clipsDescriptor: FIRST_DESCRIPTOR + extra.push('pipe') - 1,
      picturesDescriptor: pictures ? FIRST_DESCRIPTOR + extra.push(pictures.file) - 1 : null,
    }));
    const args = [
      ...globalArguments('level+info'),
      ...members.flatMap(({ filePath }, i) =>
        fileArguments({
          filePath,
          demuxers: containers[i]?.demuxers ?? [],
          limits,
          queuedPackets: QUEUED_PACKETS,
        }),
      ),
      ...members.flatMap(({ pictures }, i) => {
        const { clipsDescriptor, picturesDescriptor } = this.#outputs[i] as Output;
        const clips = { preprocessing, stream: `${i}:V:0`, descriptor: clipsDescriptor };
        if (!pictures || picturesDescriptor === null) return clipOutput(clips);
        const descriptor = picturesDescriptor;
        return [
          ...clipOutput(clips),
          ...pictureOutput({ ...clips, ...pictures, descriptor, firstFrameOnly: false }),
        ];
      }),
    ];
    const [filePath = '', ...moreFilePaths] = members.map((member) => member.filePath);
    const bounds = { timeoutMs, stallTimeoutMs, cpuSeconds, memoryBytes };
    this.#child = new FfmpegChild({ ffmpeg, args, filePath, moreFilePaths, ...bounds, signal, extra });
  }

  /** The clips of one file; they count only when the generator returns. `onProbe` is called before it does. */
  async *clips(
    member: number,
    onProbe: (probe: VideoProbe) => void,
  ): AsyncGenerator<DecodedClip, DecodeSummary> {
    const { preprocessing, hopSeconds, pool } = this.#request;
    const limits = this.#limits[member] as MediaLimits;
    const { filePath } = this.#request.members[member] as GroupMember;
    const { pipe } = this.#outputs[member] as Output;
    const window = new ClipWindow(preprocessing, hopSeconds, 0, pool);
    try {
      const frames = readFrames(this.#child, pipe, preprocessing.width * preprocessing.height * 3);
      const file = { filePath, preprocessing, limits };
      yield* cutFrames(frames, window, file, 0, () => this.#requireSmall(window));
      onProbe(await this.#probeOf(member));
      // A video that the rate filter drops as a whole is a matter for a decode of its own.
      if (window.frameCount === 0) throw new GroupBroken();
      return yield* lastClip(window, preprocessing, false);
    } finally {
      this.#child.discard(pipe);
    }
  }

  /** How long the header of a file says it is, told while it is decoded; null until then, or when it does not say. */
  promisedSeconds(member: number): number | null {
    return this.#promisedSeconds[member] ?? null;
  }

  async stop(): Promise<void> {
    await this.#child.stop();
  }

  /** GroupBroken, and the end of the process, when there is more in it than is to be decoded side by side. */
  #requireSmall({ frameCount }: ClipWindow): void {
    const tooLong = frameCount > MAX_MEMBER_SECONDS * this.#request.preprocessing.framesPerSecond;
    if (tooLong || (this.#looksLeft > 0 && this.#isLarge())) {
      this.#child.kill();
      throw new GroupBroken('The files are too large to be decoded side by side');
    }
  }

  /** False while ffmpeg has not told. */
  #isLarge(): boolean {
    this.#looksLeft -= 1;
    const { text } = splitLevels(this.#stderr());
    if (!isInOrder(text, this.#request.members.length)) return false;
    this.#looksLeft = 0;
    const headers = this.#request.members.map((_, i) => readProbeText(text, i));
    this.#promisedSeconds = headers.map((header) => header?.durationSeconds ?? null);
    const pixels = headers.map((header) => (header?.video?.width ?? 0) * (header?.video?.height ?? 0));
    return (
      pixels.reduce((sum, one) => sum + one, 0) > MAX_GROUP_PIXELS ||
      headers.some((header) => (header?.durationSeconds ?? 0) > MAX_MEMBER_SECONDS)
    );
  }

  /** After the end of the process, and only if all went well. */
  async #probeOf(member: number): Promise<VideoProbe> {
    this.#end ??= this.#child.wait();
    const end = await this.#end;
    const { text, errors } = splitLevels(this.#stderr());
    if (end.exitCode !== 0 || tellOfDamage(errors)) throw new GroupBroken(errors);
    const isWhole = !this.#child.stderr.isCut && isInOrder(text, this.#request.members.length);
    const header = isWhole ? readProbeText(text, member) : null;
    const { filePath } = this.#request.members[member] as GroupMember;
    const probe = header && probeOfHeader(header, filePath, this.#limits[member] as MediaLimits);
    if (!probe) throw new GroupBroken(`ffmpeg does not tell what ${shownName(filePath)} is`);
    return probe;
  }

  /** Without the paths of the files, which may hold line breaks. */
  #stderr(): string {
    const paths = this.#request.members.map(({ filePath }) => filePath);
    // The longer first: a path that another one begins with would leave the rest of it behind.
    const longestFirst = paths.sort((a, b) => b.length - a.length);
    return longestFirst.reduce(withoutPath, this.#child.stderr.text());
  }
}
