import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { until } from '../server/tools/http.js';

export interface Received {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  atMs: number;
}

type Reply = (response: ServerResponse, received: Received) => void;

export interface Receiver {
  url: string;
  port: number;
  received: Received[];
  /** How it answers; 204 unless told. */
  reply: Reply;
  /** Waits for so many requests in all. */
  count(wanted: number, timeoutMs?: number): Promise<Received[]>;
  close(): Promise<void>;
}

/** A server that takes webhooks. On a port of before, it comes back where it was. */
export async function startReceiver(port = 0): Promise<Receiver> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const one = { method, path: url, headers, body: Buffer.concat(chunks).toString(), atMs: Date.now() };
      receiver.received.push(one);
      receiver.reply(response, one);
    });
    request.on('error', () => undefined);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const listening = (server.address() as AddressInfo).port;
  const receiver: Receiver = {
    url: `http://127.0.0.1:${listening}/hook`,
    port: listening,
    received: [],
    reply: (response) => void response.writeHead(204).end(),
    count: (wanted, timeoutMs) =>
      until(
        `${wanted} webhooks`,
        () => (receiver.received.length >= wanted ? receiver.received : false),
        timeoutMs,
      ),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return receiver;
}

/** Signatures as the Standard Webhooks specification has them checked, written out from it. */
export function isSignedBy(secret: string, { headers, body }: Received, nowMs = Date.now()): boolean {
  const id = headers['webhook-id'];
  const timestamp = headers['webhook-timestamp'];
  const signatures = headers['webhook-signature'];
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signatures !== 'string') return false;
  if (Math.abs(nowMs / 1000 - Number(timestamp)) > 300) return false;
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest();
  return signatures.split(' ').some((signature) => {
    const [version, mark] = signature.split(',');
    const given = Buffer.from(mark ?? '', 'base64');
    return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected);
  });
}
