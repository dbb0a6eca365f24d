import { postWebhook } from '../../../index/webhooks/post-webhook.js';

/** Posts to the given address of this machine and prints the status, or the code and why not. */
const url = new URL(process.argv[2] as string);
await postWebhook({
  url,
  addresses: [{ address: '127.0.0.1', family: 4 }],
  headers: {},
  body: '{}',
  timeoutMs: 5000,
  signal: new AbortController().signal,
}).then(
  ({ status }) => console.log(status),
  (error: { code: string; message: string }) => console.log(`${error.code} ${error.message}`),
);
