-- `active_container_id` is the container until the job has ended, then null: the unique index limits a
-- container to one unfinished job. Site, owner and actor have no foreign key, because a job outlives
-- them. `details` is Proxmox's own message; `leftovers` is a JSON list of what could not be removed.
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    container_id BIGINT,
    active_container_id BIGINT,
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
    details TEXT,
    leftovers TEXT NOT NULL,
    CONSTRAINT fk_jobs_container FOREIGN KEY (container_id)
        REFERENCES containers (id) ON DELETE SET NULL,
    CONSTRAINT fk_jobs_active FOREIGN KEY (active_container_id)
        REFERENCES containers (id) ON DELETE SET NULL
);
CREATE UNIQUE INDEX uq_jobs_active ON jobs (active_container_id);
CREATE INDEX ix_jobs_state ON jobs (state);
CREATE INDEX ix_jobs_container ON jobs (container_id);
CREATE INDEX ix_jobs_owner ON jobs (owner_id);

-- `data` is what a step needs to detect, after a crash, whether it has already happened.
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

-- Log lines, ordered by id.
CREATE TABLE job_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    job_id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    line TEXT NOT NULL,
    CONSTRAINT fk_job_log_job FOREIGN KEY (job_id)
        REFERENCES jobs (id) ON DELETE CASCADE
);
CREATE INDEX ix_job_log_job ON job_log (job_id, id);
