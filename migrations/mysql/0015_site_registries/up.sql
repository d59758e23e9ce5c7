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

-- The disk space for pulled images.
SET @statement = IF(
    EXISTS (
        SELECT * FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'sites' AND column_name = 'image_quota_gib'
    ),
    'DO 0',
    'ALTER TABLE sites ADD COLUMN image_quota_gib INTEGER NOT NULL DEFAULT 50'
);
PREPARE add_column FROM @statement;
EXECUTE add_column;
DEALLOCATE PREPARE add_column;

-- The archives that were pulled for a site, and when a container was last created from them.
CREATE TABLE IF NOT EXISTS pulled_images (
    site_id BIGINT NOT NULL,
    node VARCHAR(63) NOT NULL,
    storage VARCHAR(100) NOT NULL,
    file VARCHAR(100) NOT NULL,
    size BIGINT NOT NULL,
    used_at BIGINT NOT NULL,
    PRIMARY KEY (site_id, node, storage, file),
    CONSTRAINT fk_pulled_images_site FOREIGN KEY (site_id)
        REFERENCES sites (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
