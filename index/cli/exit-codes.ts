export const EXIT_DONE = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
export const EXIT_SOME_FILES_FAILED = 3;
// Of `verify`.
export const EXIT_REPAIRABLE = 4;
export const EXIT_REPAIRED = 5;
export const EXIT_UNREPAIRABLE = 6;
