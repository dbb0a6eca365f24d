-- Until now empty: nothing wrote it.
DROP TABLE boilerplate_segments;

-- Segments that say little of where a clip comes from. Plain pictures (black, flat, still) are noted when a video is indexed, what is
-- repeated in many videos when the collection is looked through.
CREATE TABLE boilerplate_segments (
  segment_id INTEGER PRIMARY KEY REFERENCES segments (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('black', 'flat', 'still', 'repeated')),
  -- What a second of it counts for, where other footage counts 1.
  weight REAL NOT NULL CHECK (weight >= 0 AND weight < 1)
) STRICT;

-- What the last look through a collection found, by model.
CREATE TABLE boilerplate_reports (
  collection_id INTEGER NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
  model_key INTEGER NOT NULL REFERENCES models (key),
  report_json TEXT NOT NULL,
  PRIMARY KEY (collection_id, model_key)
) STRICT, WITHOUT ROWID;
