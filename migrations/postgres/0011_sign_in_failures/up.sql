-- Failed sign-ins by bucket, such as an account and a network. Rows are deleted an hour after the
-- last failure.
CREATE TABLE sign_in_failures (
    bucket VARCHAR(120) COLLATE "C" NOT NULL,
    account VARCHAR(32) COLLATE "C",
    failures INTEGER NOT NULL,
    last_failed_at BIGINT NOT NULL,
    PRIMARY KEY (bucket)
);
CREATE INDEX ix_sign_in_failures_account ON sign_in_failures (account);
CREATE INDEX ix_sign_in_failures_last_failed_at ON sign_in_failures (last_failed_at);

-- Browsers that have signed in to an account. Only the SHA-256 of a token is stored.
CREATE TABLE known_browsers (
    token_hash VARCHAR(64) COLLATE "C" NOT NULL,
    user_id BIGINT NOT NULL,
    last_sign_in_at BIGINT NOT NULL,
    PRIMARY KEY (token_hash),
    CONSTRAINT fk_known_browsers_user FOREIGN KEY (user_id)
        REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX ix_known_browsers_user ON known_browsers (user_id);
CREATE INDEX ix_known_browsers_last_sign_in_at ON known_browsers (last_sign_in_at);

-- Reports of agents have another form, and agents send them again. Imported containers have another
-- source.
UPDATE hosts SET report = NULL;
UPDATE containers SET source = 'imported' WHERE source = 'taken-over';
