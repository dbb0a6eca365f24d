-- How evidence becomes a probability, by collection and model. Without a row, what came with the model holds.
CREATE TABLE calibrations (
  collection_id INTEGER NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
  model_key INTEGER NOT NULL REFERENCES models (key),
  calibration_json TEXT NOT NULL,
  PRIMARY KEY (collection_id, model_key)
) STRICT, WITHOUT ROWID;

-- What a person or a program knows of a video beside its label.
CREATE TABLE video_metadata (
  video_id INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  -- As it was given.
  text_value TEXT NOT NULL,
  -- The same as a number where it is one, for ranges.
  number_value REAL,
  PRIMARY KEY (video_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX video_metadata_by_text ON video_metadata (key, text_value);
CREATE INDEX video_metadata_by_number ON video_metadata (key, number_value) WHERE number_value IS NOT NULL;

-- What a job found, when that is more than files.
CREATE TABLE job_results (
  job_id INTEGER PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
  result_json TEXT NOT NULL
) STRICT;

-- Segments that show what stands in many videos.
CREATE TABLE boilerplate_segments (
  segment_id INTEGER PRIMARY KEY REFERENCES segments (id) ON DELETE CASCADE,
  -- Other videos of the collection that show the same.
  video_count INTEGER NOT NULL
) STRICT;
