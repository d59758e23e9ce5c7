ALTER TABLE sites DROP COLUMN registries;
