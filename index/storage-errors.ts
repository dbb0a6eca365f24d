import { CliptraceError, type ErrorCode } from './errors.js';

const CODES: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'DISK_FULL',
  EDQUOT: 'DISK_FULL',
  EFBIG: 'DISK_FULL',
  EROFS: 'DATA_FOLDER_NOT_WRITABLE',
  EACCES: 'DATA_FOLDER_NOT_WRITABLE',
  EPERM: 'DATA_FOLDER_NOT_WRITABLE',
  EEXIST: 'DATA_FOLDER_NOT_WRITABLE',
  EISDIR: 'DATA_FOLDER_NOT_WRITABLE',
  ENOTDIR: 'DATA_FOLDER_NOT_WRITABLE',
  EIO: 'DATA_FOLDER_NOT_WRITABLE',
};

/**
 * What a refused write to the data folder means to the user: DISK_FULL or DATA_FOLDER_NOT_WRITABLE. Anything else is returned as it
 * is. `what` names the thing and its place, e.g. `The picture a.jpg`.
 */
export function explainWriteError(error: unknown, what: string): unknown {
  if (error instanceof CliptraceError) return error;
  const systemCode = (error as NodeJS.ErrnoException | null)?.code ?? '';
  const code = CODES[systemCode];
  if (code === undefined) return error;
  const remedy =
    code === 'DISK_FULL'
      ? 'Free some space on that disk; what is indexed is whole, and the job goes on where it stopped.'
      : 'Check the owner, the permissions and the mount of the data folder, or give another one.';
  return new CliptraceError(code, `${what} cannot be written (${systemCode}). ${remedy}`, {
    cause: error,
    details: { systemCode },
  });
}

/** Runs `work` and throws what its refused writes mean. */
export async function explainingWrites<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explainWriteError(error, what);
  }
}
