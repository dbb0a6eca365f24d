import type { Scope } from '../../index/access/scopes.js';
import type { ApiKey } from '../../index/library/types.js';

/** Who sent a request, and what they may do. */
export interface Principal {
  /** Public id of the key; null without one. */
  readonly keyId: string | null;
  readonly scopes: ReadonlySet<Scope>;
  /** What they may see and change lies in these collections; null = in all. */
  readonly collections: readonly string[] | null;
}

/** A server that asks for no keys trusts everyone who reaches it. */
export const EVERYONE: Principal = {
  keyId: null,
  scopes: new Set<Scope>(['search', 'ingest', 'admin']),
  collections: null,
};

/** Without a key, on a server that asks for keys. */
export const NOBODY: Principal = { keyId: null, scopes: new Set(), collections: [] };

export function principalOf(key: ApiKey): Principal {
  return { keyId: key.publicId, scopes: new Set(key.scopes), collections: key.collections };
}

/** `admin` includes the others. */
export function may({ scopes }: Principal, scope: Scope): boolean {
  return scopes.has(scope) || scopes.has('admin');
}

/** Null stands for all collections. */
export function maySeeCollection({ collections }: Principal, name: string | null): boolean {
  return collections === null || (name !== null && collections.includes(name));
}
