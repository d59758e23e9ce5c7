-- MySQL commits after each statement, so every statement must be repeatable.

-- Whether services of the domain that require a sign-in receive the visitor's access token.
SET @statement = IF(
    EXISTS (
        SELECT * FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'domains'
            AND column_name = 'forwards_access_token'
    ),
    'DO 0',
    'ALTER TABLE domains ADD COLUMN forwards_access_token BOOLEAN NOT NULL DEFAULT FALSE'
);
PREPARE add_column FROM @statement;
EXECUTE add_column;
DEALLOCATE PREPARE add_column;
