/** A copy that pauses longer than this is taken for finished, and indexed again when it grows. */
export const DEFAULT_SETTLE_SECONDS = 5;
export const DEFAULT_RESCAN_SECONDS = 300;
export const SETTLE_SECONDS_BOUNDS = { min: 0.1, max: 86_400 } as const;
export const RESCAN_SECONDS_BOUNDS = { min: 1, max: 604_800 } as const;
