-- Rate limits by user and action: when the user may use the whole allowance again. A missing row means
-- that the allowance is unused.
CREATE TABLE rate_limits (
    user_id BIGINT NOT NULL,
    action VARCHAR(32) COLLATE "C" NOT NULL,
    full_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, action),
    CONSTRAINT fk_rate_limits_user FOREIGN KEY (user_id)
        REFERENCES users (id) ON DELETE CASCADE
);
