import { CliptraceError, type ErrorCode } from '../errors.js';
import { shownName } from './file-name.js';

interface Rule {
  pattern: RegExp;
  code: ErrorCode;
  says: string;
}

/** The wording of ffmpeg 4 to 8. The first rule that fits decides. */
const RULES: readonly Rule[] = [
  {
    pattern: /matches no streams|does not contain any stream/i,
    code: 'NO_VIDEO_STREAM',
    says: 'has no video stream. Use a file that has a picture',
  },
  {
    pattern: /exceeds specified max pixel count|picture size [1-9]\d{3,}x[1-9]\d{3,} is invalid/i,
    code: 'RESOLUTION_TOO_LARGE',
    says: 'has frames that are larger than allowed. Scale it down first, or raise the limit',
  },
  {
    pattern: /cannot allocate memory|out of memory/i,
    code: 'DECODE_FAILED',
    says: 'needs more memory to decode than it is allowed. Scale it down first',
  },
  {
    pattern:
      /decoder (\(codec \S+\) |for \S+ )?not found|no decoder (could be )?found|unknown codec|unknown decoder|failed to open codec/i,
    code: 'CODEC_NOT_SUPPORTED',
    says: 'uses a video codec that this ffmpeg cannot decode. Install a newer ffmpeg, or convert the file to H.264',
  },
  {
    pattern: /not on whitelist|not in whitelist/i,
    code: 'CONTAINER_NOT_ALLOWED',
    says: 'holds another kind of container than its first bytes show. Convert it to MP4 or MKV',
  },
  {
    pattern: /moov atom not found/i,
    code: 'DECODE_FAILED',
    says: 'was cut off: the table of its content, which stands at its end, is missing. Get it again from its source',
  },
  {
    pattern: /: permission denied/i,
    code: 'FILE_NOT_READABLE',
    says: 'cannot be read. Check its permissions',
  },
  { pattern: /: no such file or directory/i, code: 'FILE_NOT_FOUND', says: 'is no longer there' },
  {
    pattern:
      /cannot determine format of input stream|could not find codec parameters|nothing was (encoded|written)/i,
    code: 'NO_FRAMES',
    says: 'has no frame that can be decoded. It may be cut or damaged: get it again from its source',
  },
];

/** Lines that explain nothing when they stand last. */
const HOLLOW =
  /^(conversion failed|error marking filters|error opening input files?|exiting|\s*last message repeated)/i;

/** Decoders of sound, which is not decoded: what they complain about while the file is opened harms nothing. */
const SOUND_DECODER =
  /^\[(aac|ac3|eac3|alac|amr|dca|flac|mp[123]|opus|vorbis|pcm|adpcm|truehd|mlp|wma|cook|atrac)\w* @/i;

/** Complaints of the error level about files whose pictures are all there. */
const HARMLESS =
  /timescale not set|non monoton|failed to open codec in avformat_find_stream_info|unknown cover type/i;

/** Why a run gave nothing: ffmpeg's own words made into a code. `lines` are of level error and above. */
export function decodeFailure(options: {
  filePath: string;
  lines: readonly string[];
  exitCode: number | null;
  exitSignal: string | null;
}): CliptraceError {
  const { filePath, lines, exitCode, exitSignal } = options;
  const name = shownName(filePath);
  for (const { pattern, code, says } of RULES) {
    // Without the file's name, which may be called after any of them.
    const line = lines.find((candidate) => pattern.test(candidate.split(name).join('')));
    if (line !== undefined) {
      const details = { ffmpegMessage: line, exitCode, exitSignal };
      return new CliptraceError(code, `${name} ${says}. ffmpeg says: ${line.trim()}`, { details });
    }
  }
  const last = lines.findLast((line) => !HOLLOW.test(line)) ?? null;
  const said = last === null ? '' : ` ffmpeg says: ${last.trim()}`;
  const details = { ffmpegMessage: last, exitCode, exitSignal };
  if (exitCode === 0) {
    const message = `${name} has no frame that can be decoded. It may be cut or damaged: get it again from its source.${said}`;
    return new CliptraceError('NO_FRAMES', message, { details });
  }
  const how = exitSignal === null ? `exit code ${exitCode}` : exitSignal;
  const message = `${name} cannot be decoded (ffmpeg ended with ${how}). It may be damaged: get it again from its source.${said}`;
  return new CliptraceError('DECODE_FAILED', message, { details });
}

/** True when lines of level error tell of damage to the picture. */
export function tellOfDamage(lines: readonly string[]): boolean {
  return lines.some((line) => !SOUND_DECODER.test(line) && !HARMLESS.test(line) && !HOLLOW.test(line));
}
