DROP TABLE invitations;
ALTER TABLE users DROP COLUMN access_ends_at;
ALTER TABLE users DROP COLUMN state;
ALTER TABLE users DROP COLUMN full_name;
