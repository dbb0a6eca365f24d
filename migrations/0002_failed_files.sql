-- Finds the failures among millions of files that are as they were.
CREATE INDEX job_files_failed ON job_files (path, job_id) WHERE outcome = 'failed';
