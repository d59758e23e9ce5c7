-- Steps of the demo that were done once: a later start does not repeat them, whatever became of what
-- they created.
CREATE TABLE demo_steps (
    step TEXT NOT NULL PRIMARY KEY,
    done_at BIGINT NOT NULL
);
