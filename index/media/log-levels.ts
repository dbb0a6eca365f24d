const LEVEL = /^((?:\[[^\]\n]* @ [^\]\n]*\] )*)\[(panic|fatal|error|warning|info|verbose|debug|trace)\] /;
const ERROR_LEVELS: ReadonlySet<string> = new Set(['panic', 'fatal', 'error']);

/**
 * Takes the levels out of what ffmpeg says with `-loglevel level+info`. `text` is what it says of files and streams, as
 * without levels; `errors` are the lines of level error and above. A line without a level goes on with the message before it:
 * what a file says of itself may hold line breaks, and is no error whatever it says.
 */
export function splitLevels(stderr: string): { text: string; errors: string[] } {
  const text: string[] = [];
  const errors: string[] = [];
  // What comes before the first level is not ffmpeg's: a system that cannot start it.
  let isError = true;
  for (const line of stderr.split(/\r?\n|\r/)) {
    const match = LEVEL.exec(line);
    const [prefix = '', context = '', level] = match ?? [];
    const rest = context + line.slice(prefix.length);
    if (level !== undefined) isError = ERROR_LEVELS.has(level);
    if (isError) errors.push(rest);
    else text.push(rest);
  }
  return { text: text.join('\n'), errors: errors.filter((line) => line.trim() !== '') };
}
