import { Cancelled } from './errors.js';

interface Upload {
  url: string;
  form: FormData;
  headers: Readonly<Record<string, string>>;
  signal: AbortSignal | undefined;
  onProgress(sent: number): void;
}

/** What is used of the browser's XMLHttpRequest, which alone tells a page how much of a body has been sent. */
interface BrowserRequest {
  responseType: string;
  status: number;
  response: unknown;
  upload: { addEventListener(event: 'progress', listener: (event: ProgressLike) => void): void };
  open(method: string, url: string): void;
  setRequestHeader(name: string, value: string): void;
  getAllResponseHeaders(): string;
  addEventListener(event: 'load' | 'error' | 'abort', listener: () => void): void;
  send(form: FormData): void;
  abort(): void;
}

interface ProgressLike {
  lengthComputable: boolean;
  loaded: number;
  total: number;
}

/** Posts a form and tells how much of it has been sent, in browsers and in Node. */
export function sendWithProgress(upload: Upload): Promise<Response> {
  const { XMLHttpRequest } = globalThis as unknown as { XMLHttpRequest?: new () => BrowserRequest };
  return XMLHttpRequest === undefined ? sendStream(upload) : sendBrowser(upload, new XMLHttpRequest());
}

function sendBrowser(
  { url, form, headers, signal, onProgress }: Upload,
  request: BrowserRequest,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new Cancelled());
    request.open('POST', url);
    request.responseType = 'blob';
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener('progress', ({ lengthComputable, loaded, total }) => {
      if (lengthComputable) onProgress(loaded / total);
    });
    request.addEventListener('load', () => {
      const { status } = request;
      const body = status === 204 ? null : (request.response as Blob);
      resolve(new Response(body, { status, headers: readHeaders(request.getAllResponseHeaders()) }));
    });
    request.addEventListener('error', () => reject(new TypeError('The request failed.')));
    request.addEventListener('abort', () => reject(new Cancelled()));
    signal?.addEventListener('abort', () => request.abort(), { once: true });
    request.send(form);
  });
}

function readHeaders(text: string): [string, string][] {
  return text
    .trim()
    .split(/[\r\n]+/)
    .map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    })
    .filter(([name]) => name !== '');
}

async function sendStream({ url, form, headers, signal, onProgress }: Upload): Promise<Response> {
  // Encodes the form, and names the boundary.
  const encoded = new Response(form);
  const totalBytes = [...form.values()].reduce(
    (total, value) => total + (typeof value === 'string' ? value.length : value.size),
    0,
  );
  let sentBytes = 0;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      sentBytes += chunk.byteLength;
      onProgress(totalBytes === 0 ? 1 : Math.min(1, sentBytes / totalBytes));
      controller.enqueue(chunk);
    },
  });
  const init = {
    method: 'POST',
    headers: { ...headers, 'Content-Type': encoded.headers.get('Content-Type') ?? '' },
    body: encoded.body?.pipeThrough(counter) ?? null,
    // What a streamed body needs in Node; not yet in every type of fetch.
    duplex: 'half',
    ...(signal === undefined ? {} : { signal }),
  };
  return fetch(url, init as RequestInit);
}
