ALTER TABLE domains DROP COLUMN forwards_access_token;
