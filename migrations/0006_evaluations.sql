-- Evaluations are jobs; what they were asked, at length, and what they found stands here.

CREATE TABLE evaluations (
  job_id INTEGER PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
  request_json TEXT NOT NULL,
  -- Null until the job is done.
  report_json TEXT,
  -- The headline figures, so that a list need not read every report.
  summary_json TEXT
) STRICT;
