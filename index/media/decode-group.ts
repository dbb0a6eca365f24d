import type { Preprocessing } from '../encoder/manifest.js';
import { type ChildEnd, FfmpegChild } from './child-process.js';
import type { ClipPool } from './clip-pool.js';
import { ClipWindow } from './clip-window.js';
import { checkContainer } from './container-check.js';
import { cutFrames, lastClip } from './decode.js';
import { clipOutput, type PictureOutput, pictureOutput } from './decode-arguments.js';
import { refuseFullDisk, tellOfDamage } from './ffmpeg-messages.js';
import { shownName } from './file-name.js';
import { readFrames } from './frame-reader.js';
import { fileArguments, globalArguments } from './input-arguments.js';
import { splitLevels } from './log-levels.js';
import { refuseEncrypted } from './mp4-encryption.js';
import { probeOfHeader } from './probe.js';
import { readProbeText } from './probe-text.js';
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
 * FFMPEG_NOT_USABLE, which no file by itself would escape. Read all members at the same time, and `stop()` in the end.
 */
export class DecodeGroup {
  readonly #request: GroupRequest;
  readonly #outputs: readonly Output[];
  readonly #child: FfmpegChild;
  #end: Promise<{ end: ChildEnd; stderr: string }> | null = null;

  /** GroupBroken when a file is none that may be opened. */
  static async open(request: GroupRequest): Promise<DecodeGroup> {
    const demuxers = await Promise.all(
      request.members.map(async ({ filePath }) => {
        const checked = await checkContainer(filePath);
        await refuseEncrypted(filePath, checked.demuxers);
        return checked.demuxers;
      }),
    ).catch((error: unknown) => {
      throw new GroupBroken(error);
    });
    return new DecodeGroup(request, demuxers);
  }

  private constructor(request: GroupRequest, demuxers: readonly (readonly string[])[]) {
    const { ffmpeg, preprocessing, limits, signal, members } = request;
    const { timeoutMs, stallTimeoutMs, cpuSeconds, memoryBytes } = limits;
    const extra: ('pipe' | number)[] = [];
    this.#request = request;
    this.#outputs = members.map(({ pictures }, i) => ({
      pipe: i + 1,
      clipsDescriptor: FIRST_DESCRIPTOR + extra.push('pipe') - 1,
      picturesDescriptor: pictures ? FIRST_DESCRIPTOR + extra.push(pictures.file) - 1 : null,
    }));
    const args = [
      ...globalArguments('level+info'),
      ...members.flatMap(({ filePath }, i) =>
        fileArguments({ filePath, demuxers: demuxers[i] ?? [], limits, queuedPackets: QUEUED_PACKETS }),
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
    const { preprocessing, hopSeconds, limits, pool } = this.#request;
    const { filePath } = this.#request.members[member] as GroupMember;
    const { pipe } = this.#outputs[member] as Output;
    const window = new ClipWindow(preprocessing, hopSeconds, 0, pool);
    try {
      const frames = readFrames(this.#child, pipe, preprocessing.width * preprocessing.height * 3);
      yield* cutFrames(frames, window, { filePath, preprocessing, limits });
      onProbe(await this.#probeOf(member));
      // A video that the rate filter drops as a whole is a matter for a decode of its own.
      if (window.frameCount === 0) throw new GroupBroken();
      return yield* lastClip(window, preprocessing, false);
    } finally {
      this.#child.discard(pipe);
    }
  }

  async stop(): Promise<void> {
    await this.#child.stop();
  }

  /** After the end of the process, and only if all went well. */
  async #probeOf(member: number): Promise<VideoProbe> {
    this.#end ??= this.#wait();
    const { end, stderr } = await this.#end;
    const { text, errors } = splitLevels(stderr);
    const { filePath } = this.#request.members[member] as GroupMember;
    refuseFullDisk(filePath, errors);
    if (end.exitCode !== 0 || tellOfDamage(errors)) throw new GroupBroken(errors);
    const header = readProbeText(text, member);
    const probe = header && probeOfHeader(header, filePath, this.#request.limits);
    if (!probe) throw new GroupBroken(`ffmpeg does not tell what ${shownName(filePath)} is`);
    return probe;
  }

  async #wait(): Promise<{ end: ChildEnd; stderr: string }> {
    const end = await this.#child.wait();
    const paths = this.#request.members.map(({ filePath }) => filePath);
    // The longer first: a path that another one begins with would leave the rest of it behind.
    const longestFirst = paths.sort((a, b) => b.length - a.length);
    return { end, stderr: longestFirst.reduce(withoutPath, this.#child.stderr.text()) };
  }
}
