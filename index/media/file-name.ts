import { basename, resolve } from 'node:path';

/** What error messages call a file: its name without the folders, which clients of the server need not learn. */
export function shownName(filePath: string): string {
  const name = basename(filePath);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a line break in a name would break the message apart
  return /[\u0000-\u001f\u007f"]/.test(name) ? JSON.stringify(name) : `"${name}"`;
}

/**
 * A file as an argument that ffmpeg takes literally: absolute, so that it cannot begin with a dash, and with
 * the protocol spelt out, so that a colon in the name is no protocol.
 */
export function fileArgument(filePath: string): string {
  return `file:${resolve(filePath)}`;
}
