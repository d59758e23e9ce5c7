-- Steps of the demo that are done. They are not repeated, even if a user deletes what they created.
CREATE TABLE demo_steps (
    step TEXT NOT NULL,
    done_at BIGINT NOT NULL,
    PRIMARY KEY (step)
);
