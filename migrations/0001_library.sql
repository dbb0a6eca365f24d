-- The library: the truth of the product. Everything else (vector snapshots, thumbnails) can be made from it again.

CREATE TABLE collections (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE models (
  -- Rows refer to the small key; the outside world to the id.
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  dimension INTEGER NOT NULL CHECK (dimension > 0),
  timesteps INTEGER NOT NULL CHECK (timesteps > 0),
  manifest_json TEXT NOT NULL,
  registered_at TEXT NOT NULL
) STRICT;

CREATE TABLE videos (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  collection_id INTEGER NOT NULL REFERENCES collections (id),
  title TEXT NOT NULL,
  -- NFC and lower case, for the case-insensitive search that SQLite itself offers for ASCII only.
  title_folded TEXT NOT NULL,
  label TEXT,
  content_hash TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  duration_seconds REAL NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  frames_per_second REAL,
  codec TEXT NOT NULL,
  container TEXT NOT NULL,
  has_audio INTEGER NOT NULL CHECK (has_audio IN (0, 1)),
  damaged INTEGER NOT NULL CHECK (damaged IN (0, 1)),
  segment_count INTEGER NOT NULL,
  added_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  UNIQUE (collection_id, content_hash)
) STRICT;
CREATE INDEX videos_by_collection ON videos (collection_id);
CREATE INDEX videos_by_label ON videos (label) WHERE label IS NOT NULL;

CREATE TABLE files (
  collection_id INTEGER NOT NULL REFERENCES collections (id),
  path TEXT NOT NULL,
  video_id INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
  name_folded TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  modified_ms REAL NOT NULL,
  owned INTEGER NOT NULL CHECK (owned IN (0, 1)),
  PRIMARY KEY (collection_id, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX files_by_video ON files (video_id);

CREATE TABLE segments (
  -- AUTOINCREMENT: an id is never given twice, so that a stale index can never answer with another segment.
  id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0 AND id < 4294967296),
  video_id INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
  model_key INTEGER NOT NULL REFERENCES models (key),
  start_seconds REAL NOT NULL CHECK (start_seconds >= 0),
  end_seconds REAL NOT NULL CHECK (end_seconds > start_seconds)
) STRICT;
CREATE INDEX segments_by_video ON segments (video_id, model_key, start_seconds);

-- The features of up to 64 segments of one video with successive ids, from `id` on. A row a segment would cost a scan
-- over embeddings ten times the time of the comparisons themselves.
CREATE TABLE segment_blocks (
  id INTEGER PRIMARY KEY,
  video_id INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
  model_key INTEGER NOT NULL REFERENCES models (key),
  segment_count INTEGER NOT NULL CHECK (segment_count BETWEEN 1 AND 64),
  -- Little-endian float32, [segment_count, dimension].
  embeddings BLOB NOT NULL
) STRICT;
CREATE INDEX segment_blocks_by_video ON segment_blocks (video_id, model_key, segment_count);
CREATE INDEX segment_blocks_by_model ON segment_blocks (model_key, segment_count);

-- Apart from the embeddings, so that a scan over those does not read twice as much of these.
CREATE TABLE timestep_blocks (
  id INTEGER PRIMARY KEY REFERENCES segment_blocks (id) ON DELETE CASCADE,
  -- Little-endian float16, [segment_count, timesteps, dimension].
  timesteps BLOB NOT NULL
) STRICT;

-- What the vector index follows.
CREATE TABLE segment_changes (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  segment_id INTEGER NOT NULL,
  model_key INTEGER NOT NULL,
  removed INTEGER NOT NULL CHECK (removed IN (0, 1)),
  -- Tells this history from that of a restored backup or of another library with the same sequence number.
  mark INTEGER NOT NULL
) STRICT;

CREATE TRIGGER segment_added AFTER INSERT ON segments BEGIN
  INSERT INTO segment_changes (segment_id, model_key, removed, mark)
  VALUES (new.id, new.model_key, 0, random() & 9007199254740991);
END;

CREATE TRIGGER segment_removed AFTER DELETE ON segments BEGIN
  INSERT INTO segment_changes (segment_id, model_key, removed, mark)
  VALUES (old.id, old.model_key, 1, random() & 9007199254740991);
END;

-- A segment's span, video and model never change: the log would not tell.
CREATE TRIGGER segment_frozen BEFORE UPDATE ON segments BEGIN
  SELECT RAISE(ABORT, 'segments are never updated');
END;

CREATE TABLE jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  request_json TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'done', 'failed', 'cancelled')),
  progress_json TEXT NOT NULL,
  error_json TEXT,
  created_at TEXT NOT NULL,
  started_at TEXT,
  ended_at TEXT
) STRICT;
CREATE INDEX jobs_by_status ON jobs (status) WHERE status IN ('queued', 'running');

CREATE TABLE job_files (
  job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  -- The order in which files were finished.
  position INTEGER NOT NULL,
  path TEXT NOT NULL,
  outcome TEXT NOT NULL,
  video_id INTEGER,
  code TEXT,
  message TEXT,
  PRIMARY KEY (job_id, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_files_by_position ON job_files (job_id, position);
