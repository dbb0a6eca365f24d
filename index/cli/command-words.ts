/** What the help tells of commands whose modules are loaded only when they run. */
export const JOB_ACTIONS = ['list', 'show', 'follow', 'pause', 'resume', 'cancel', 'run'] as const;

export const KEY_ACTIONS = ['list', 'create', 'revoke'] as const;

export const WATCH_ACTIONS = ['list', 'deliveries', 'pause', 'resume', 'remove'] as const;

export const VERIFY_EXIT_CODES =
  'Of verify: 0 all is sound, 4 problems that --repair can put right, 5 problems were found and all put right, ' +
  '6 problems that it cannot put right.';
