-- MySQL commits after each statement, so every statement must be repeatable.

-- `active_container_id` is the container until the job has ended, then null: the unique index limits a
-- container to one unfinished job. Site, owner and actor have no foreign key, because a job outlives
-- them. `details` is Proxmox's own message; `leftovers` is a JSON list of what could not be removed.
CREATE TABLE IF NOT EXISTS jobs (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    kind VARCHAR(16) NOT NULL,
    state VARCHAR(16) NOT NULL,
    container_id BIGINT,
    active_container_id BIGINT,
    container_name VARCHAR(63) NOT NULL,
    site_id BIGINT NOT NULL,
    site_name VARCHAR(63) NOT NULL,
    owner_id BIGINT NOT NULL,
    actor_id BIGINT,
    actor_name VARCHAR(32),
    args MEDIUMTEXT NOT NULL,
    lease_owner VARCHAR(100),
    lease_until BIGINT,
    attempt BIGINT NOT NULL,
    cancel_requested BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    error MEDIUMTEXT,
    details MEDIUMTEXT,
    leftovers MEDIUMTEXT NOT NULL,
    UNIQUE KEY uq_jobs_active (active_container_id),
    KEY ix_jobs_state (state),
    KEY ix_jobs_container (container_id),
    KEY ix_jobs_owner (owner_id),
    CONSTRAINT fk_jobs_container FOREIGN KEY (container_id)
        REFERENCES containers (id) ON DELETE SET NULL,
    CONSTRAINT fk_jobs_active FOREIGN KEY (active_container_id)
        REFERENCES containers (id) ON DELETE SET NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- `data` is what a step needs to detect, after a crash, whether it has already happened.
CREATE TABLE IF NOT EXISTS job_steps (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    job_id BIGINT NOT NULL,
    position BIGINT NOT NULL,
    name VARCHAR(63) NOT NULL,
    title VARCHAR(255) NOT NULL,
    state VARCHAR(16) NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    progress_done BIGINT,
    progress_total BIGINT,
    note MEDIUMTEXT,
    data MEDIUMTEXT,
    UNIQUE KEY uq_job_steps_position (job_id, position),
    CONSTRAINT fk_job_steps_job FOREIGN KEY (job_id)
        REFERENCES jobs (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Log lines, ordered by id.
CREATE TABLE IF NOT EXISTS job_log (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    job_id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    line MEDIUMTEXT NOT NULL,
    KEY ix_job_log_job (job_id, id),
    CONSTRAINT fk_job_log_job FOREIGN KEY (job_id)
        REFERENCES jobs (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
