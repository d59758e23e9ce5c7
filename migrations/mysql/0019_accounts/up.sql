-- MySQL commits after each statement, so every statement must be repeatable.

SET @statement = IF(
    EXISTS (
        SELECT * FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'users' AND column_name = 'full_name'
    ),
    'DO 0',
    'ALTER TABLE users ADD COLUMN full_name VARCHAR(100) NOT NULL DEFAULT '''''
);
PREPARE add_column FROM @statement;
EXECUTE add_column;
DEALLOCATE PREPARE add_column;

-- One of pending, active or suspended. An active account is expired from `access_ends_at` on.
SET @statement = IF(
    EXISTS (
        SELECT * FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'users' AND column_name = 'state'
    ),
    'DO 0',
    'ALTER TABLE users ADD COLUMN state VARCHAR(16) NOT NULL DEFAULT ''active'''
);
PREPARE add_column FROM @statement;
EXECUTE add_column;
DEALLOCATE PREPARE add_column;

SET @statement = IF(
    EXISTS (
        SELECT * FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'users' AND column_name = 'access_ends_at'
    ),
    'DO 0',
    'ALTER TABLE users ADD COLUMN access_ends_at BIGINT'
);
PREPARE add_column FROM @statement;
EXECUTE add_column;
DEALLOCATE PREPARE add_column;

-- Invitations that have not been accepted. Only the SHA-256 of a token is stored.
CREATE TABLE IF NOT EXISTS invitations (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    token_hash VARCHAR(64) NOT NULL,
    email VARCHAR(254) NOT NULL,
    role VARCHAR(16) NOT NULL,
    limit_containers BIGINT,
    limit_cores BIGINT,
    limit_memory_mib BIGINT,
    limit_disk_gib BIGINT,
    access_ends_at BIGINT,
    inviter_id BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    UNIQUE KEY uq_invitations_token (token_hash),
    KEY ix_invitations_inviter (inviter_id),
    KEY ix_invitations_expires (expires_at),
    CONSTRAINT fk_invitations_inviter FOREIGN KEY (inviter_id)
        REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
