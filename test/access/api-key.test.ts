import { describe, expect, it } from 'vitest';
import { createApiKey, isSameSecret, parseApiKey } from '../../index/access/api-key.js';

describe('an API key', () => {
  it('is random, parses back to what is stored of it, and its secret is in nothing that is stored', () => {
    const keys = Array.from({ length: 200 }, createApiKey);
    expect(new Set(keys.map(({ key }) => key)).size).toBe(200);
    for (const { key, publicId, secretSha256 } of keys) {
      expect(parseApiKey(key)).toEqual({ publicId, secretSha256 });
      const secret = key.slice(`ct_${publicId}_`.length);
      expect(Buffer.from(secret, 'base64url').length).toBe(32);
      expect(secretSha256.toString('base64url')).not.toContain(secret);
    }
  });

  it.each([
    '',
    'ct_',
    'ct_short_x',
    `ct_${'a'.repeat(12)}_${'b'.repeat(42)}`,
    `xx_${'a'.repeat(12)}_${'b'.repeat(43)}`,
  ])('is not %j', (text) => expect(parseApiKey(text)).toBeNull());

  it('is the same only as itself, and never as a key that does not exist', () => {
    const { secretSha256 } = createApiKey();
    expect(isSameSecret(secretSha256, Buffer.from(secretSha256))).toBe(true);
    expect(isSameSecret(secretSha256, createApiKey().secretSha256)).toBe(false);
    expect(isSameSecret(secretSha256, null)).toBe(false);
    expect(isSameSecret(Buffer.alloc(32), null)).toBe(false);
  });
});
