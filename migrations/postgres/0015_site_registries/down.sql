DROP TABLE pulled_images;
ALTER TABLE sites DROP COLUMN image_quota_gib;
ALTER TABLE sites DROP COLUMN registries;
