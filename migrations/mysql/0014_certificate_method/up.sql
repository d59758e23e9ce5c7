-- MySQL commits after each statement, so every statement must be repeatable.

-- How the certificate is issued: by a CA, or uploaded.
SET @statement = IF(
    EXISTS (
        SELECT * FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'certificates' AND column_name = 'method'
    ),
    'DO 0',
    'ALTER TABLE certificates CHANGE COLUMN source method VARCHAR(16) NOT NULL'
);
PREPARE rename_column FROM @statement;
EXECUTE rename_column;
DEALLOCATE PREPARE rename_column;
