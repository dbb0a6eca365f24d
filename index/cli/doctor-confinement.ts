import type { Confinement } from '../media/confinement.js';
import type { Finding } from './doctor-command.js';

/** Which of the bounds on ffmpeg hold on this system; those of its arguments and of the clock always do. */
export function describeConfinement({ limits, network, privileges, sandbox }: Confinement): Finding {
  const bounds: [string, { tool: string } | null][] = [
    ['processor time, memory and written files', limits],
    ['no network', sandbox ?? network],
    [privileges?.changesUser ? 'another user than root' : 'no privileges', privileges],
    ['sees one file only', sandbox],
  ];
  const held = bounds.flatMap(([what, by]) => (by === null ? [] : [`${what} (${by.tool})`]));
  const missing = bounds.filter(([, by]) => by === null).map(([what]) => what);
  // A sandbox is more than most systems have.
  const isWeak = limits === null || (network === null && sandbox === null) || privileges === null;
  return {
    check: 'Confinement',
    status: isWeak ? 'warning' : 'ok',
    detail: `ffmpeg is held by ${['its arguments and a time limit', ...held].join(', ')}; not held: ${missing.join(', ') || 'nothing'}`,
    remedy: isWeak
      ? 'Install util-linux (prlimit, setpriv, unshare) or bubblewrap, and allow user namespaces, before strangers send files'
      : null,
  };
}
