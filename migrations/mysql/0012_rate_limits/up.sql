-- MySQL commits after each statement, so every statement must be repeatable.

-- Rate limits by user and action: when the user may use the whole allowance again. A missing row means
-- that the allowance is unused.
CREATE TABLE IF NOT EXISTS rate_limits (
    user_id BIGINT NOT NULL,
    action VARCHAR(32) NOT NULL,
    full_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, action),
    CONSTRAINT fk_rate_limits_user FOREIGN KEY (user_id)
        REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
