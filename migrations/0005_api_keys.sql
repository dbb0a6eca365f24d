-- Keys of the HTTP interface. Of a key's secret only the SHA-256 is kept: it is random and 256 bits long.
CREATE TABLE api_keys (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  -- The part of the key that may be shown.
  public_id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  secret_sha256 BLOB NOT NULL CHECK (length(secret_sha256) = 32),
  -- JSON lists; collections is NULL for a key that is good for all.
  scopes_json TEXT NOT NULL,
  collections_json TEXT,
  created_at TEXT NOT NULL,
  last_used_at TEXT,
  revoked_at TEXT
) STRICT;
