import pino from 'pino';
import type { Terminal } from './output.js';

/** What is kept of the log while it cannot be written; what comes then is dropped. */
const MAX_UNWRITTEN_BYTES = 1024 * 1024;

/** The log of the server: JSON lines on the standard output. A disk that it fills does not end the server. */
export function createServerLog(level: string, terminal: Terminal): pino.Logger {
  const destination = pino.destination({ dest: 1, sync: true, maxLength: MAX_UNWRITTEN_BYTES });
  let isTold = false;
  destination.on('error', (error: Error) => {
    if (isTold) return;
    isTold = true;
    terminal.err(`The log cannot be written to the standard output: ${error.message}`);
  });
  return pino({ level }, destination);
}
