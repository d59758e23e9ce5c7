-- MySQL commits after each statement, so every statement must be repeatable.

-- Accounts. `version` grows with every change and serves as a row lock in all three databases.
CREATE TABLE IF NOT EXISTS users (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(32) NOT NULL,
    email VARCHAR(254) NOT NULL,
    role VARCHAR(16) NOT NULL,
    password_hash VARCHAR(255) NOT NULL,
    limit_containers BIGINT,
    limit_cores BIGINT,
    limit_memory_mib BIGINT,
    limit_disk_gib BIGINT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE KEY uq_users_name (name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Browser sessions. Only the SHA-256 of a token is stored.
CREATE TABLE IF NOT EXISTS sessions (
    token_hash VARCHAR(64) NOT NULL,
    user_id BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    address VARCHAR(64) NOT NULL,
    user_agent VARCHAR(255) NOT NULL,
    PRIMARY KEY (token_hash),
    KEY ix_sessions_user (user_id),
    KEY ix_sessions_expires (expires_at),
    CONSTRAINT fk_sessions_user FOREIGN KEY (user_id)
        REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
