-- MySQL commits after each statement, so every statement must be repeatable.

-- Steps of the demo that are done. They are not repeated, even if a user deletes what they created.
CREATE TABLE IF NOT EXISTS demo_steps (
    step VARCHAR(100) NOT NULL,
    done_at BIGINT NOT NULL,
    PRIMARY KEY (step)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
