ALTER TABLE containers DROP COLUMN docker;
