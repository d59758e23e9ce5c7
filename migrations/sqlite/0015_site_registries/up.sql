-- The image registries that the site allows, separated by commas.
ALTER TABLE sites ADD COLUMN registries TEXT NOT NULL DEFAULT 'docker.io, ghcr.io, quay.io';
