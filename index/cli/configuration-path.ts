import { CliptraceError } from '../errors.js';

const FLAG = '--config';

/** `--config FILE`, else CLIPTRACE_CONFIG; null without either. USAGE when it is given twice, or names nothing. */
export function configurationPath(argv: readonly string[], env: NodeJS.ProcessEnv): string | null {
  const end = argv.indexOf('--');
  const given = argv.slice(0, end < 0 ? undefined : end).flatMap((argument, at) => {
    if (argument.startsWith(`${FLAG}=`)) return [argument.slice(FLAG.length + 1)];
    return argument === FLAG ? [argv[at + 1]] : [];
  });
  if (given.length > 1) {
    throw new CliptraceError('USAGE', `${FLAG} is given ${given.length} times: give one file`);
  }
  if (given[0] === '')
    throw new CliptraceError('USAGE', `${FLAG} is empty: name a JSON file, or leave it out`);
  return given[0] ?? (env.CLIPTRACE_CONFIG || null);
}
