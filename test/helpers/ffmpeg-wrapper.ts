import { chmod, writeFile } from 'node:fs/promises';
import { resolveFfmpeg } from '../../index/media/ffmpeg-program.js';

/**
 * A shell script for FFMPEG_PATH that does something beside, or instead of, running the real ffmpeg. `script` is run before it with
 * ffmpeg's arguments as `$@`, and as one word in `$all`; what does not `exit` there goes on to the real program.
 * A script that writes files needs CLIPTRACE_CONFINE=off.
 */
export async function wrapFfmpeg(file: string, script: string): Promise<string> {
  const { path } = await resolveFfmpeg({ env: process.env });
  const quoted = `'${path.replaceAll("'", "'\\''")}'`;
  await writeFile(file, `#!/bin/sh\nall="$*"\n${script}\nexec ${quoted} "$@"\n`);
  await chmod(file, 0o755);
  return file;
}
