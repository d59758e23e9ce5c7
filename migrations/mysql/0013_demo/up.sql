-- Steps of the demo that were done once: a later start does not repeat them, whatever became of what
-- they created.
CREATE TABLE IF NOT EXISTS demo_steps (
    step VARCHAR(100) NOT NULL PRIMARY KEY,
    done_at BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
