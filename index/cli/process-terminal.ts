import { EXIT_DONE, EXIT_FAILED } from './exit-codes.js';
import type { Terminal } from './output.js';

/** Whoever reads it has gone (`| head -1`, a `tee` that Ctrl-C ended too), which is no fault of the work. */
const READER_GONE: ReadonlySet<string | undefined> = new Set(['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED']);

/**
 * The terminal of this process. Text that can no longer be written is dropped, and the work goes on to its end: a command
 * that died midway would leave its job running. A full disk is told where it can be, and a result that it did not take is no
 * success.
 */
export function openProcessTerminal(): Terminal {
  const err = writerOf(process.stderr, () => undefined);
  const out = writerOf(process.stdout, (error) => {
    // At the very end: the last text may fail after the command has ended.
    process.once('exit', (code) => {
      if (code === EXIT_DONE) process.exitCode = EXIT_FAILED;
    });
    err(`The result cannot be written to the standard output: ${error.message}`);
  });
  return { out, err, interactive: process.stderr.isTTY === true };
}

function writerOf(
  stream: NodeJS.WriteStream,
  onLost: (error: NodeJS.ErrnoException) => void,
): (text: string) => void {
  let isOpen = true;
  const fail = (error: NodeJS.ErrnoException) => {
    if (!isOpen) return;
    isOpen = false;
    if (!READER_GONE.has(error.code)) onLost(error);
  };
  // For the bar too, which writes by itself.
  stream.on('error', fail);
  return (text) => {
    if (!isOpen) return;
    try {
      stream.write(`${text}\n`);
    } catch (error) {
      // Files are written at once, and throw.
      fail(error as NodeJS.ErrnoException);
    }
  };
}
