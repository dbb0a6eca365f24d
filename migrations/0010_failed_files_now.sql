-- The files that failed when they were last tried, kept as such: to find them among all that jobs told of each file took longer
-- with each job. And an index for the failed jobs, which a start looks through.

CREATE TABLE failed_files (
  collection TEXT NOT NULL,
  path TEXT NOT NULL,
  PRIMARY KEY (collection, path)
) STRICT, WITHOUT ROWID;

-- A request that is no JSON any more is left to `verify --repair`. A column beside max() comes from the row with the maximum.
INSERT INTO failed_files (collection, path)
WITH
  readable AS MATERIALIZED (SELECT id, request_json FROM jobs WHERE json_valid(request_json)),
  indexing AS MATERIALIZED (
    SELECT id, request_json ->> '$.collection' AS collection FROM readable
    WHERE request_json ->> '$.type' = 'index' AND request_json ->> '$.collection' IS NOT NULL
  ),
  suspects AS MATERIALIZED (SELECT DISTINCT path FROM job_files WHERE outcome = 'failed'),
  latest AS (
    SELECT i.collection, f.path, f.outcome, max(f.job_id)
    FROM indexing i JOIN job_files f ON f.job_id = i.id
    WHERE f.path IN (SELECT path FROM suspects)
    GROUP BY i.collection, f.path
  )
SELECT collection, path FROM latest WHERE outcome = 'failed';

DROP INDEX job_files_failed;
CREATE INDEX jobs_failed ON jobs (id) WHERE status = 'failed';
