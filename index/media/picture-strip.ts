import { type FileHandle, open } from 'node:fs/promises';

/**
 * A strip: the JPEGs of one video one behind the other, then the offset of each (uint32, little-endian), the interval (seconds,
 * float64), their number (uint32) and a mark. The first is of the first frame, the others are of the middle of each interval. One
 * file a video, because one a picture would be thousands for each hour.
 */
const MARK = Buffer.from('CTS1');
const OFFSET_BYTES = 4;
const TAIL_BYTES = 8 + 4 + MARK.length;
/** Begins each JPEG; within one it cannot stand, because ffmpeg stuffs the byte 0xff in the data. */
const START_OF_IMAGE = Buffer.from([0xff, 0xd8, 0xff]);
const CHUNK_BYTES = 4 * 1024 ** 2;

/**
 * Makes a strip of a file of JPEGs. False, and the file is as before, when it holds none or more than offsets can tell. With the
 * duration that the clips have: where ffmpeg leaves out the time before the first frame, it does so for clips, and less for pictures.
 */
export async function sealStrip(
  filePath: string,
  intervalSeconds: number,
  durationSeconds = Number.POSITIVE_INFINITY,
): Promise<boolean> {
  const handle = await open(filePath, 'r+');
  try {
    const { size } = await handle.stat();
    if (size >= 2 ** 32) return false;
    const all = await startsOfImages(handle, size);
    if (all.length === 0) return false;
    const offsets = all.slice(
      await leadingCopies(handle, all, 1 + Math.ceil(durationSeconds / intervalSeconds - 0.5)),
    );
    const tail = Buffer.alloc(offsets.length * OFFSET_BYTES + TAIL_BYTES);
    for (const [i, offset] of offsets.entries()) tail.writeUInt32LE(offset, i * OFFSET_BYTES);
    let at = offsets.length * OFFSET_BYTES;
    at = tail.writeDoubleLE(intervalSeconds, at);
    at = tail.writeUInt32LE(offsets.length, at);
    MARK.copy(tail, at);
    // A disk that is nearly full takes a part, and refuses the rest only when it is asked again.
    for (let done = 0; done < tail.length; )
      done += (await handle.write(tail, done, tail.length - done, size + done)).bytesWritten;
    return true;
  } finally {
    await handle.close();
  }
}

/** The JPEG nearest to a time. Null when there is no whole strip at this place. */
export async function readPicture(filePath: string, atSeconds: number): Promise<Buffer | null> {
  const handle = await open(filePath, 'r').catch(() => null);
  if (handle === null) return null;
  try {
    const { size } = await handle.stat();
    const tail = await readAt(handle, size - TAIL_BYTES, TAIL_BYTES);
    if (!tail?.subarray(-MARK.length).equals(MARK)) return null;
    const intervalSeconds = tail.readDoubleLE(0);
    const count = tail.readUInt32LE(8);
    const wanted = atSeconds < intervalSeconds / 4 ? 0 : 1 + Math.floor(atSeconds / intervalSeconds);
    const number = Math.min(count - 1, wanted);
    const tableAt = size - TAIL_BYTES - count * OFFSET_BYTES;
    const isLast = number === count - 1;
    const entry = await readAt(handle, tableAt + number * OFFSET_BYTES, OFFSET_BYTES * (isLast ? 1 : 2));
    if (!entry) return null;
    const start = entry.readUInt32LE(0);
    const jpeg = await readAt(handle, start, (isLast ? tableAt : entry.readUInt32LE(OFFSET_BYTES)) - start);
    return jpeg?.subarray(0, START_OF_IMAGE.length).equals(START_OF_IMAGE) ? jpeg : null;
  } finally {
    await handle.close();
  }
}

/** Why the pictures of a strip cannot be found in it; null when they can, or when it is gone. What a JPEG shows is not looked at. */
export async function stripFault(filePath: string): Promise<string | null> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(filePath, 'r');
    return await faultOf(handle);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? null : `it cannot be read: ${message}`;
  } finally {
    await handle?.close();
  }
}

async function faultOf(handle: FileHandle): Promise<string | null> {
  const { size } = await handle.stat();
  const tail = await readAt(handle, size - TAIL_BYTES, TAIL_BYTES);
  if (!tail?.subarray(-MARK.length).equals(MARK)) return 'its end is cut off or altered';
  const intervalSeconds = tail.readDoubleLE(0);
  const count = tail.readUInt32LE(8);
  const tableAt = size - TAIL_BYTES - count * OFFSET_BYTES;
  if (!(intervalSeconds > 0 && intervalSeconds < Number.POSITIVE_INFINITY) || count === 0 || tableAt <= 0)
    return `its end was altered: ${count} pictures, every ${intervalSeconds} s, in ${size} bytes`;
  const table = await readAt(handle, tableAt, count * OFFSET_BYTES);
  if (table === null) return 'its table is cut off';
  for (let number = 0; number < count; number += 1) {
    const start = table.readUInt32LE(number * OFFSET_BYTES);
    const mark = await readAt(handle, start, START_OF_IMAGE.length);
    const before = number === 0 ? -1 : table.readUInt32LE((number - 1) * OFFSET_BYTES);
    if (start <= before || start >= tableAt || !mark?.equals(START_OF_IMAGE))
      return `no picture begins at ${start}, where its table has number ${number}`;
  }
  return null;
}

/** Of the pictures that are more than wanted, how many at the beginning are copies of the one behind. */
async function leadingCopies(
  handle: FileHandle,
  offsets: readonly number[],
  wanted: number,
): Promise<number> {
  const picture = (number: number) => {
    const [start = 0, end = 0] = offsets.slice(number, number + 2);
    return readAt(handle, start, end - start);
  };
  let copies = 0;
  // Whether the last is a copy cannot be told by the one behind.
  while (offsets.length - copies > Math.max(2, wanted)) {
    const [one, next] = [await picture(copies), await picture(copies + 1)];
    if (one === null || next === null || !one.equals(next)) break;
    copies += 1;
  }
  return copies;
}

async function startsOfImages(handle: FileHandle, size: number): Promise<number[]> {
  const offsets: number[] = [];
  const overlap = START_OF_IMAGE.length - 1;
  for (let position = 0; position < size; position += CHUNK_BYTES) {
    const chunk = await readAt(handle, position, Math.min(CHUNK_BYTES + overlap, size - position));
    for (let at = -1; chunk !== null; ) {
      at = chunk.indexOf(START_OF_IMAGE, at + 1);
      if (at < 0 || at >= CHUNK_BYTES) break;
      offsets.push(position + at);
    }
  }
  return offsets;
}

/** Null when the file has not all of it. */
async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer | null> {
  if (position < 0 || length <= 0) return null;
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await handle.read(buffer, 0, length, position);
  return bytesRead === length ? buffer : null;
}
