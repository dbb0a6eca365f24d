/** What every address of version 1 of the interface begins with. */
export const API_PREFIX = '/api/v1';
