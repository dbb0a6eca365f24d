import { createApiKey } from '../../../index/access/api-key.js';
import type { Scope } from '../../../index/access/scopes.js';
import type { Library } from '../../../index/library/types.js';

/** A new key of the library, as its holder sends it. */
export async function makeKey(
  library: Library,
  scopes: Scope[],
  collections: string[] | null = null,
): Promise<string> {
  const { key, publicId, secretSha256 } = createApiKey();
  await library.createApiKey({ publicId, name: 'test', secretSha256, scopes, collections });
  return key;
}

export function bearer(key: string): { headers: { Authorization: string } } {
  return { headers: { Authorization: `Bearer ${key}` } };
}
