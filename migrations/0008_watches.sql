-- Clips that are watched for: videos that come later are compared with them, and matches are told to a webhook.

CREATE TABLE watches (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  -- By name: a collection comes with its first video and goes with its last. NULL: the whole library.
  collection TEXT,
  threshold REAL NOT NULL CHECK (threshold BETWEEN 0 AND 1),
  url TEXT NOT NULL,
  -- Kept in clear: each delivery is signed with it. The one before it signs as well for a while.
  secret TEXT NOT NULL,
  previous_secret TEXT,
  previous_secret_until TEXT,
  status TEXT NOT NULL CHECK (status IN ('active', 'paused', 'disabled')),
  -- Why it was disabled.
  status_code TEXT,
  -- Where the clip can be had again: a file of the data folder, or a range of a video.
  source_json TEXT NOT NULL,
  -- Arrivals up to this one have been compared with it.
  matched_through INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
) STRICT;

-- What the encoder made of the clip.
CREATE TABLE watch_embeddings (
  watch_id INTEGER PRIMARY KEY REFERENCES watches (id) ON DELETE CASCADE,
  model_id TEXT NOT NULL,
  -- Shapes, times of the clips and of the cuts.
  layout_json TEXT NOT NULL,
  -- Little-endian float32 of each look at the clip: embeddings, then timesteps.
  features BLOB NOT NULL
) STRICT;

-- Content that became searchable and has not been compared with every active watch. Written in the transaction that
-- stores the video, so that no death of a process can come between.
CREATE TABLE arrivals (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  video_id INTEGER NOT NULL UNIQUE REFERENCES videos (id) ON DELETE CASCADE,
  content_hash TEXT NOT NULL
) STRICT;

CREATE TABLE deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  watch_id INTEGER NOT NULL REFERENCES watches (id) ON DELETE CASCADE,
  -- By which the receiver tells that it has had it before.
  message_id TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL CHECK (type IN ('watch.matched', 'watch.test')),
  -- Of a match. The video may be gone by now.
  video_id INTEGER,
  content_hash TEXT,
  body TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
  attempt_count INTEGER NOT NULL DEFAULT 0,
  -- Attempts since it was created or asked for again: the schedule goes by these.
  round_attempts INTEGER NOT NULL DEFAULT 0,
  -- Milliseconds since 1970; NULL unless pending.
  next_attempt_ms INTEGER,
  created_at TEXT NOT NULL,
  ended_at TEXT
) STRICT;
CREATE UNIQUE INDEX deliveries_once ON deliveries (watch_id, video_id, content_hash) WHERE type = 'watch.matched';
CREATE INDEX deliveries_by_watch ON deliveries (watch_id, id);
CREATE INDEX deliveries_due ON deliveries (watch_id, next_attempt_ms, id) WHERE status = 'pending';
CREATE INDEX deliveries_ended ON deliveries (ended_at) WHERE status <> 'pending';

CREATE TABLE delivery_attempts (
  delivery_id INTEGER NOT NULL REFERENCES deliveries (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  started_at TEXT NOT NULL,
  duration_ms INTEGER NOT NULL,
  response_status INTEGER,
  error_code TEXT,
  error_message TEXT,
  PRIMARY KEY (delivery_id, number)
) STRICT, WITHOUT ROWID;
