-- MySQL commits every statement by itself: each must be one that can be run again. It has no
-- `ADD COLUMN IF NOT EXISTS`, which MariaDB has, so the statement is chosen first.

-- Whether the container was made so that Docker runs in it.
SET @holdfast_step = IF(
    EXISTS (
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'containers' AND column_name = 'docker'
    ),
    'DO 0',
    'ALTER TABLE containers ADD COLUMN docker BOOLEAN NOT NULL DEFAULT FALSE'
);
PREPARE holdfast_step FROM @holdfast_step;
EXECUTE holdfast_step;
DEALLOCATE PREPARE holdfast_step;
