-- The image registries that the site allows, separated by commas.
ALTER TABLE sites ADD COLUMN registries TEXT NOT NULL DEFAULT 'docker.io, ghcr.io, quay.io';

-- The disk space for pulled images.
ALTER TABLE sites ADD COLUMN image_quota_gib INTEGER NOT NULL DEFAULT 50;

-- The archives that were pulled for a site, and when a container was last created from them.
CREATE TABLE pulled_images (
    site_id BIGINT NOT NULL,
    node TEXT NOT NULL,
    storage TEXT NOT NULL,
    file TEXT NOT NULL,
    size BIGINT NOT NULL,
    used_at BIGINT NOT NULL,
    PRIMARY KEY (site_id, node, storage, file),
    CONSTRAINT fk_pulled_images_site FOREIGN KEY (site_id)
        REFERENCES sites (id) ON DELETE CASCADE
);
