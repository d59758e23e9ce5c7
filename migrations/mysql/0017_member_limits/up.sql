-- MySQL commits after each statement, so every statement must be repeatable.

-- When the first order of the certificate was counted. A certificate without it has not been ordered.
SET @statement = IF(
    EXISTS (
        SELECT * FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'certificates' AND column_name = 'ordered_at'
    ),
    'DO 0',
    'ALTER TABLE certificates ADD COLUMN ordered_at BIGINT'
);
PREPARE add_column FROM @statement;
EXECUTE add_column;
DEALLOCATE PREPARE add_column;
UPDATE certificates SET ordered_at = created_at;

-- Orders of new certificates by registered domain: when the whole budget is available again. A missing
-- row means that the budget is unused.
CREATE TABLE IF NOT EXISTS domain_rate_limits (
    domain VARCHAR(253) NOT NULL,
    full_at BIGINT NOT NULL,
    PRIMARY KEY (domain)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Until when one process deletes the archive, so that no container is created from it meanwhile.
SET @statement = IF(
    EXISTS (
        SELECT * FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'pulled_images' AND column_name = 'deletion_until'
    ),
    'DO 0',
    'ALTER TABLE pulled_images ADD COLUMN deletion_until BIGINT'
);
PREPARE add_column FROM @statement;
EXECUTE add_column;
DEALLOCATE PREPARE add_column;
