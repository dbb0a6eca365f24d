-- Jobs can be paused, can be told what to do from outside the process that works on them, and number their events.

-- A CHECK cannot be altered: the table is made anew. Foreign keys are off while migrations run.
CREATE TABLE jobs_next (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  request_json TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'paused', 'done', 'failed', 'cancelled')),
  -- What is asked of the process that runs the job; it answers by changing the status.
  wanted TEXT CHECK (wanted IN ('pause', 'cancel')),
  progress_json TEXT NOT NULL,
  error_json TEXT,
  -- Events of the job have numbers up to this one. A running job reserves some in advance.
  last_event INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL,
  started_at TEXT,
  ended_at TEXT
) STRICT;

-- job_files.position is the number of the event that told of the file; two more are those of the end.
INSERT INTO jobs_next (id, request_json, status, progress_json, error_json, last_event, created_at, started_at, ended_at)
SELECT id, request_json, status, progress_json, error_json,
  (SELECT coalesce(max(position), 0) + 2 FROM job_files WHERE job_id = jobs.id), created_at, started_at, ended_at
FROM jobs;

DROP TABLE jobs;
ALTER TABLE jobs_next RENAME TO jobs;
CREATE INDEX jobs_by_status ON jobs (status) WHERE status IN ('queued', 'running', 'paused');
