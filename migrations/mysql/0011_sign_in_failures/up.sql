-- MySQL commits after each statement, so every statement must be repeatable.

-- Failed sign-ins by bucket, such as an account and a network. Rows are deleted an hour after the
-- last failure.
CREATE TABLE IF NOT EXISTS sign_in_failures (
    bucket VARCHAR(120) NOT NULL,
    account VARCHAR(32),
    failures INTEGER NOT NULL,
    last_failed_at BIGINT NOT NULL,
    PRIMARY KEY (bucket),
    KEY ix_sign_in_failures_account (account),
    KEY ix_sign_in_failures_last_failed_at (last_failed_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Browsers that have signed in to an account. Only the SHA-256 of a token is stored.
CREATE TABLE IF NOT EXISTS known_browsers (
    token_hash VARCHAR(64) NOT NULL,
    user_id BIGINT NOT NULL,
    last_sign_in_at BIGINT NOT NULL,
    PRIMARY KEY (token_hash),
    KEY ix_known_browsers_user (user_id),
    KEY ix_known_browsers_last_sign_in_at (last_sign_in_at),
    CONSTRAINT fk_known_browsers_user FOREIGN KEY (user_id)
        REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Reports of agents have another form, and agents send them again. Imported containers have another
-- source.
UPDATE hosts SET report = NULL;
UPDATE containers SET source = 'imported' WHERE source = 'taken-over';
