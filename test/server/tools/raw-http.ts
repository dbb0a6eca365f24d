import { connect } from 'node:net';

/**
 * Sends bytes as they are, as no proper client would, and returns what the server sent until it closed. With
 * `cutOff`, the connection is broken when the bytes are out.
 */
export function sendRaw(url: string, bytes: string | Buffer, { cutOff = false } = {}): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let received = '';
    socket.setEncoding('utf8');
    socket.setTimeout(10_000, () => socket.destroy(new Error(`No end of the answer; so far: ${received}`)));
    socket.on('data', (data) => {
      received += data;
    });
    socket.on('error', (error) => (cutOff ? resolve(received) : reject(error)));
    socket.on('close', () => resolve(received));
    socket.write(bytes, () => cutOff && socket.destroy());
  });
}

export interface Part {
  headers: string[];
  body: string | Buffer;
}

export const BOUNDARY = 'cliptrace-test-boundary';

/** A multipart body written by hand. Without `isComplete`, it stops before the closing boundary. */
export function multipart(parts: readonly Part[], { isComplete = true } = {}): Buffer {
  const pieces = parts.flatMap(({ headers, body }) => [
    Buffer.from(`--${BOUNDARY}\r\n${headers.join('\r\n')}\r\n\r\n`),
    Buffer.from(body),
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...pieces, Buffer.from(isComplete ? `--${BOUNDARY}--\r\n` : '')]);
}

export function filePart(name: string, fileName: string, body: string | Buffer): Part {
  return {
    headers: [
      `Content-Disposition: form-data; name="${name}"; filename="${fileName}"`,
      'Content-Type: video/mp4',
    ],
    body,
  };
}

export function textPart(name: string, body: string): Part {
  return { headers: [`Content-Disposition: form-data; name="${name}"`], body };
}

export function postMultipart(url: string, body: Buffer, contentType?: string): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': contentType ?? `multipart/form-data; boundary=${BOUNDARY}` },
    body: new Uint8Array(body),
  });
}
