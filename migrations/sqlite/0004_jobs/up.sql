-- `active_container` is the container while the job has not ended, else null: the unique index lets
-- a container have one unfinished job. Site, owner and actor are numbers without a reference, since
-- a job outlives them.
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    container_id BIGINT,
    active_container BIGINT,
    container_name TEXT NOT NULL,
    site_id BIGINT NOT NULL,
    site_name TEXT NOT NULL,
    owner_id BIGINT NOT NULL,
    actor_id BIGINT,
    actor_name TEXT,
    args TEXT NOT NULL,
    lease_owner TEXT,
    lease_until BIGINT,
    attempt BIGINT NOT NULL,
    cancel_requested BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    error TEXT,
    words TEXT,
    left_json TEXT NOT NULL,
    CONSTRAINT fk_jobs_container FOREIGN KEY (container_id)
        REFERENCES containers (id) ON DELETE SET NULL,
    CONSTRAINT fk_jobs_active FOREIGN KEY (active_container)
        REFERENCES containers (id) ON DELETE SET NULL
);
CREATE UNIQUE INDEX uq_jobs_active ON jobs (active_container);
CREATE INDEX ix_jobs_state ON jobs (state);
CREATE INDEX ix_jobs_container ON jobs (container_id);
CREATE INDEX ix_jobs_owner ON jobs (owner_id);

-- `data` is what a step needs to find out, after a crash, whether it already happened.
CREATE TABLE job_steps (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    job_id BIGINT NOT NULL,
    position BIGINT NOT NULL,
    name TEXT NOT NULL,
    title TEXT NOT NULL,
    state TEXT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    progress_done BIGINT,
    progress_total BIGINT,
    note TEXT,
    data TEXT,
    CONSTRAINT fk_job_steps_job FOREIGN KEY (job_id)
        REFERENCES jobs (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX uq_job_steps_position ON job_steps (job_id, position);

-- Lines in the order of their ids.
CREATE TABLE job_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    job_id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    line TEXT NOT NULL,
    CONSTRAINT fk_job_log_job FOREIGN KEY (job_id)
        REFERENCES jobs (id) ON DELETE CASCADE
);
CREATE INDEX ix_job_log_job ON job_log (job_id, id);
