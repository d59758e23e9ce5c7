-- Accounts. `version` moves with every change and serves as a row lock on all three databases.
CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    name TEXT NOT NULL,
    mail TEXT NOT NULL,
    role TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    limit_containers BIGINT,
    limit_cores BIGINT,
    limit_memory_mib BIGINT,
    limit_disk_gib BIGINT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX uq_users_name ON users (name);

-- Sign-ins. Only the SHA-256 of a token is kept.
CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY NOT NULL,
    user_id BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    address TEXT NOT NULL,
    agent TEXT NOT NULL,
    CONSTRAINT fk_sessions_user FOREIGN KEY (user_id)
        REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX ix_sessions_user ON sessions (user_id);
CREATE INDEX ix_sessions_expires ON sessions (expires_at);
