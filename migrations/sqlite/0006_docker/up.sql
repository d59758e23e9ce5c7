-- Whether the container was made so that Docker runs in it.
ALTER TABLE containers ADD COLUMN docker BOOLEAN NOT NULL DEFAULT FALSE;
