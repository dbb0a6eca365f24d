import { Cancelled, CliptraceClient, RequestFailed } from '../../client/index.js';
import { storedKey } from './key.js';

export { Cancelled, RequestFailed };

/** The server that this page came from. */
export const api = new CliptraceClient({ url: '', key: storedKey });
