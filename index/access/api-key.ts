import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** `ct_PUBLICID_SECRET`: the prefix lets scanners for leaked secrets find it. */
const PATTERN = /^ct_([a-z0-9]{12})_([A-Za-z0-9_-]{43})$/;
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const SECRET_BYTES = 32;
// Compared with when there is no such key, so that an unknown key takes as long as a wrong one.
const NO_SECRET = Buffer.alloc(SECRET_BYTES);

export interface NewApiKey {
  /** What its holder sends. Shown once, kept nowhere. */
  key: string;
  publicId: string;
  secretSha256: Buffer;
}

export interface ParsedApiKey {
  publicId: string;
  secretSha256: Buffer;
}

export function createApiKey(): NewApiKey {
  const publicId = Array.from(randomBytes(12), (byte) => ALPHABET[byte % ALPHABET.length]).join('');
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  return { key: `ct_${publicId}_${secret}`, publicId, secretSha256: sha256(secret) };
}

/** Null for text that no key looks like. */
export function parseApiKey(text: string): ParsedApiKey | null {
  const [, publicId, secret] = PATTERN.exec(text) ?? [];
  return publicId === undefined || secret === undefined ? null : { publicId, secretSha256: sha256(secret) };
}

/** In constant time; `known` is null when there is no key of that public id. */
export function isSameSecret(given: Buffer, known: Buffer | null): boolean {
  return timingSafeEqual(given, known ?? NO_SECRET) && known !== null;
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
