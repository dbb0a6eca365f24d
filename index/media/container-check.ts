import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { CliptraceError, errorCodeOf } from '../errors.js';
import { readSignature, SIGNATURE_BYTES, type Signature } from './container-signatures.js';
import { shownName } from './file-name.js';

/** File names that claim to be a video: such a file is reported when it is none, not passed over. */
export const VIDEO_EXTENSIONS: ReadonlySet<string> = new Set(
  (
    '.3g2 .3gp .asf .avi .divx .dv .f4v .flv .gif .h264 .h265 .hevc .ivf .m1v .m2p .m2t .m2ts .m2v .m4v .mkv .mov .mp4 ' +
    '.mpe .mpeg .mpg .mpv .mts .mxf .nut .ogm .ogv .qt .rm .rmvb .ts .vob .webm .wmv .wtv .y4m'
  ).split(' '),
);

export interface CheckedContainer {
  /** In words, e.g. `Matroska`. */
  name: string;
  /** ffmpeg's names of the demuxers that may open it. */
  demuxers: readonly string[];
  fileBytes: number;
}

/**
 * Tells from the first bytes which kind of container a file is.
 * FILE_NOT_FOUND, FILE_NOT_READABLE, FILE_EMPTY, NOT_A_VIDEO, NO_VIDEO_STREAM (an audio file), CONTAINER_NOT_ALLOWED.
 */
export async function checkContainer(filePath: string): Promise<CheckedContainer> {
  const { head, fileBytes } = await readHead(filePath);
  const name = shownName(filePath);
  if (fileBytes === 0) {
    throw new CliptraceError('FILE_EMPTY', `${name} has no bytes. Copy or download it again.`);
  }
  const signature = readSignature(head, fileBytes);
  if (signature.kind === 'video') return { ...signature, fileBytes };
  throw refusal(signature, name);
}

const NO_VIDEO_CODES: ReadonlySet<string> = new Set([
  'FILE_EMPTY',
  'NOT_A_VIDEO',
  'NO_VIDEO_STREAM',
  'CONTAINER_NOT_ALLOWED',
]);

/** Whether a failure of `checkContainer` says that the content is no video, rather than that it cannot be read. */
export function saysNoVideo(error: unknown): boolean {
  return NO_VIDEO_CODES.has(errorCodeOf(error));
}

/** True when the content opens like a video container. False for anything else, also for what cannot be read. */
export async function looksLikeVideo(filePath: string | Buffer): Promise<boolean> {
  try {
    const { head, fileBytes } = await readHead(filePath);
    return fileBytes > 0 && readSignature(head, fileBytes).kind === 'video';
  } catch {
    return false;
  }
}

async function readHead(filePath: string | Buffer): Promise<{ head: Buffer; fileBytes: number }> {
  let handle: FileHandle | undefined;
  try {
    handle = await openRegular(filePath);
    const { size } = await handle.stat();
    const buffer = Buffer.alloc(Math.min(SIGNATURE_BYTES, size));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    return { head: buffer.subarray(0, bytesRead), fileBytes: size };
  } catch (error) {
    throw readFailure(error, String(filePath));
  } finally {
    await handle?.close();
  }
}

/** Opens a regular file for reading, and nothing else: never waits for the other end of a pipe. FILE_NOT_READABLE, or the system's error. */
export async function openRegular(filePath: string | Buffer): Promise<FileHandle> {
  // Asked before opening: to open a device can have effects.
  requireRegular(await stat(filePath), filePath);
  // Without O_NONBLOCK, a pipe that took the file's place meanwhile would block for ever.
  const handle = await open(filePath, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    requireRegular(await handle.stat(), filePath);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function requireRegular(info: Stats, filePath: string | Buffer): void {
  if (!info.isFile()) throw notRegular(shownName(String(filePath)), kindOfEntry(info));
}

export function kindOfEntry(info: Stats): string {
  if (info.isDirectory()) return 'a folder';
  if (info.isFIFO()) return 'a pipe';
  if (info.isSocket()) return 'a socket';
  return info.isFile() ? 'a file' : 'a device';
}

export function notRegular(name: string, kind: string): CliptraceError {
  return new CliptraceError('FILE_NOT_READABLE', `${name} is ${kind}, no regular file. Name a video file.`);
}

/** The file system's error as one of ours. */
export function readFailure(error: unknown, filePath: string): unknown {
  if (error instanceof CliptraceError) return error;
  const code = (error as NodeJS.ErrnoException).code;
  const name = shownName(filePath);
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') {
    return new CliptraceError('FILE_NOT_FOUND', `${name} does not exist. Check the path.`, { cause: error });
  }
  const why = code ?? (error instanceof Error ? error.message : String(error));
  return new CliptraceError(
    'FILE_NOT_READABLE',
    `${name} cannot be read (${why}). Check its permissions and its disk.`,
    { cause: error },
  );
}

function refusal(signature: Exclude<Signature, { kind: 'video' }>, name: string): CliptraceError {
  switch (signature.kind) {
    case 'audio':
      return new CliptraceError(
        'NO_VIDEO_STREAM',
        `${name} is ${signature.name} without a picture. Use a file that has one.`,
      );
    case 'image':
      return new CliptraceError(
        'NOT_A_VIDEO',
        `${name} is ${signature.name}. Use a video, or an animated GIF.`,
      );
    case 'refused':
      return new CliptraceError(
        'CONTAINER_NOT_ALLOWED',
        `${name} is ${signature.name}, which could make ffmpeg open other files. Use the video file itself.`,
      );
    case 'unknown':
      return new CliptraceError(
        'NOT_A_VIDEO',
        `${name} does not begin like any video container, whatever its name says. Use MP4, MOV, MKV, WebM, AVI or the like.`,
      );
  }
}
