import type { Statement } from 'better-sqlite3';
import type { Scope } from '../access/scopes.js';
import type { SqliteDatabase } from './database.js';
import type { ApiKey, ApiKeyInput } from './types.js';

interface KeyRow extends Omit<ApiKey, 'scopes' | 'collections'> {
  scopesJson: string;
  collectionsJson: string | null;
}

const SELECT = `SELECT id, public_id AS publicId, name, secret_sha256 AS secretSha256, scopes_json AS scopesJson,
  collections_json AS collectionsJson, created_at AS createdAt, last_used_at AS lastUsedAt, revoked_at AS revokedAt
  FROM api_keys`;

export class ApiKeysTable {
  readonly #insert: Statement<unknown[]>;
  readonly #find: Statement<[string]>;
  readonly #list: Statement<[]>;
  readonly #revoke: Statement<[string, string]>;
  readonly #touch: Statement<[string, string]>;

  constructor(database: SqliteDatabase) {
    this.#insert = database.prepare(
      `INSERT INTO api_keys (public_id, name, secret_sha256, scopes_json, collections_json, created_at)
       VALUES (?, ?, ?, ?, ?, ?)`,
    );
    this.#find = database.prepare(`${SELECT} WHERE public_id = ?`);
    this.#list = database.prepare(`${SELECT} ORDER BY id`);
    this.#revoke = database.prepare(
      'UPDATE api_keys SET revoked_at = coalesce(revoked_at, ?) WHERE public_id = ?',
    );
    this.#touch = database.prepare('UPDATE api_keys SET last_used_at = ? WHERE public_id = ?');
  }

  insert({ publicId, name, secretSha256, scopes, collections }: ApiKeyInput): ApiKey {
    this.#insert.run(
      publicId,
      name,
      secretSha256,
      JSON.stringify(scopes),
      collections === null ? null : JSON.stringify(collections),
      new Date().toISOString(),
    );
    return this.find(publicId) as ApiKey;
  }

  find(publicId: string): ApiKey | null {
    const row = this.#find.get(publicId) as KeyRow | undefined;
    return row === undefined ? null : toKey(row);
  }

  list(): ApiKey[] {
    return (this.#list.all() as KeyRow[]).map(toKey);
  }

  /** The key as it is then; null when there is none. */
  revoke(publicId: string): ApiKey | null {
    this.#revoke.run(new Date().toISOString(), publicId);
    return this.find(publicId);
  }

  touch(publicId: string): void {
    this.#touch.run(new Date().toISOString(), publicId);
  }
}

function toKey({ scopesJson, collectionsJson, ...row }: KeyRow): ApiKey {
  return {
    ...row,
    scopes: JSON.parse(scopesJson) as Scope[],
    collections: collectionsJson === null ? null : (JSON.parse(collectionsJson) as string[]),
  };
}
