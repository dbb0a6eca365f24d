/**
 * The little of the ustar format (POSIX.1-1988) that a backup needs: plain files with short names. Any tar program can
 * list and unpack what is written; only what is written here is read.
 */
export interface TarEntry {
  /** At most 100 bytes, or 100 after its first folder. */
  name: string;
  sizeBytes: number;
  modifiedSeconds: number;
}

export const TAR_BLOCK_BYTES = 512;
const CHECKSUM = { start: 148, end: 156 };
const SIZE = { start: 124, end: 136 };
/** What eleven octal digits hold; larger sizes are written as GNU tar does. */
const MAXIMUM_OCTAL_SIZE = 8 ** 11 - 1;

/** The 512 bytes before a file's content; null when its name is too long. */
export function tarHeader({ name, sizeBytes, modifiedSeconds }: TarEntry): Buffer | null {
  const slash = name.indexOf('/');
  const [prefix, rest] = slash < 0 ? ['', name] : [name.slice(0, slash), name.slice(slash + 1)];
  if (Buffer.byteLength(rest) > 100) return null;
  const header = Buffer.alloc(TAR_BLOCK_BYTES);
  header.write(rest, 0);
  header.write('0000600\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  writeSize(header, sizeBytes);
  header.write(`${octal(Math.max(0, Math.floor(modifiedSeconds)), 11)}\0`, 136);
  header.write('0', 156);
  header.write('ustar\x0000', 257, 'latin1');
  header.write(prefix, 345);
  header.write(`${octal(checksumOf(header), 6)}\0 `, CHECKSUM.start);
  return header;
}

/** Null when the block is no header of a plain file. */
export function parseTarHeader(header: Buffer): Pick<TarEntry, 'name' | 'sizeBytes'> | null {
  const told = Number.parseInt(textAt(header, CHECKSUM.start, CHECKSUM.end), 8);
  if (told !== checksumOf(header) || textAt(header, 257, 263) !== 'ustar' || header[156] !== 0x30)
    return null;
  const [prefix, rest] = [textAt(header, 345, 500), textAt(header, 0, 100)];
  const sizeBytes = readSize(header);
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) return null;
  return { name: prefix === '' ? rest : `${prefix}/${rest}`, sizeBytes };
}

/** Bytes after a file's content up to the next header. */
export function tarPadding(sizeBytes: number): number {
  return (TAR_BLOCK_BYTES - (sizeBytes % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES;
}

function writeSize(header: Buffer, sizeBytes: number): void {
  if (sizeBytes <= MAXIMUM_OCTAL_SIZE) {
    header.write(`${octal(sizeBytes, 11)}\0`, SIZE.start);
    return;
  }
  header[SIZE.start] = 0x80;
  header.writeBigUInt64BE(BigInt(sizeBytes), SIZE.end - 8);
}

function readSize(header: Buffer): number {
  if (header[SIZE.start] === 0x80) return Number(header.readBigUInt64BE(SIZE.end - 8));
  return Number.parseInt(textAt(header, SIZE.start, SIZE.end), 8);
}

/** The sum of all bytes, its own field taken as spaces. */
function checksumOf(header: Buffer): number {
  let sum = 0;
  for (const [position, byte] of header.entries()) {
    sum += position >= CHECKSUM.start && position < CHECKSUM.end ? 0x20 : byte;
  }
  return sum;
}

function textAt(header: Buffer, start: number, end: number): string {
  const zero = header.indexOf(0, start);
  return header.toString('utf8', start, zero < 0 ? end : Math.min(zero, end)).trim();
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}
