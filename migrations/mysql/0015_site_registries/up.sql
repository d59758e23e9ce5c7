-- MySQL commits after each statement, so every statement must be repeatable.

-- The image registries that the site allows, separated by commas.
SET @statement = IF(
    EXISTS (
        SELECT * FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'sites' AND column_name = 'registries'
    ),
    'DO 0',
    'ALTER TABLE sites ADD COLUMN registries VARCHAR(1000) NOT NULL DEFAULT ''docker.io, ghcr.io, quay.io'''
);
PREPARE add_column FROM @statement;
EXECUTE add_column;
DEALLOCATE PREPARE add_column;
