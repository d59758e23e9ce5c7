-- How the certificate is issued: by a CA, or uploaded.
ALTER TABLE certificates RENAME COLUMN source TO method;
