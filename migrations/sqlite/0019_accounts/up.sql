-- `state` is pending, active or suspended. An active account is expired from `access_ends_at` on.
ALTER TABLE users ADD COLUMN full_name TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN state TEXT NOT NULL DEFAULT 'active';
ALTER TABLE users ADD COLUMN access_ends_at BIGINT;

-- Invitations that have not been accepted. Only the SHA-256 of a token is stored.
CREATE TABLE invitations (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    token_hash TEXT NOT NULL,
    email TEXT NOT NULL,
    role TEXT NOT NULL,
    limit_containers BIGINT,
    limit_cores BIGINT,
    limit_memory_mib BIGINT,
    limit_disk_gib BIGINT,
    access_ends_at BIGINT,
    inviter_id BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CONSTRAINT fk_invitations_inviter FOREIGN KEY (inviter_id)
        REFERENCES users (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX uq_invitations_token ON invitations (token_hash);
CREATE INDEX ix_invitations_inviter ON invitations (inviter_id);
CREATE INDEX ix_invitations_expires ON invitations (expires_at);
