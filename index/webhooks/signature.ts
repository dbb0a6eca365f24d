import { createHmac, randomBytes } from 'node:crypto';

const SECRET_PREFIX = 'whsec_';
const SECRET_BYTES = 32;

/** As the Standard Webhooks specification writes it. */
export function createWebhookSecret(): string {
  return SECRET_PREFIX + randomBytes(SECRET_BYTES).toString('base64');
}

export function createMessageId(): string {
  return `msg_${randomBytes(18).toString('base64url')}`;
}

export interface SignedMessage {
  messageId: string;
  body: string;
  timestampSeconds: number;
  /** The current one first. */
  secrets: readonly string[];
}

/** HMAC-SHA256 over `id.timestamp.body`, one signature for each secret. */
export function signatureHeaders({ messageId, body, timestampSeconds, secrets }: SignedMessage): {
  'webhook-id': string;
  'webhook-timestamp': string;
  'webhook-signature': string;
} {
  const signed = `${messageId}.${timestampSeconds}.${body}`;
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64');
    return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
  });
  return {
    'webhook-id': messageId,
    'webhook-timestamp': String(timestampSeconds),
    'webhook-signature': signatures.join(' '),
  };
}
