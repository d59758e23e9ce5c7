DROP TABLE job_log;
DROP TABLE job_steps;
DROP TABLE jobs;
