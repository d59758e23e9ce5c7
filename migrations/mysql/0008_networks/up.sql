-- MySQL commits every statement by itself: each must be one that can be run again. It has no
-- `ADD COLUMN IF NOT EXISTS`, which MariaDB has, so the statement is chosen first.

-- Whom a site's name servers ask for other names, and the addresses for machines that are no
-- containers of ours.
SET @holdfast_step = IF(
    EXISTS (
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'sites' AND column_name = 'forwarders'
    ),
    'DO 0',
    'ALTER TABLE sites
        ADD COLUMN forwarders VARCHAR(160) NOT NULL DEFAULT '''',
        ADD COLUMN others VARCHAR(31)'
);
PREPARE holdfast_step FROM @holdfast_step;
EXECUTE holdfast_step;
DEALLOCATE PREPARE holdfast_step;
