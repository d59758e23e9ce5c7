-- MySQL commits every statement by itself: each must be one that can be run again. It has no
-- `ADD COLUMN IF NOT EXISTS`, which MariaDB has, so the statement is chosen first.

-- What is live on an edge host, file by file, as its agent told it.
CREATE TABLE IF NOT EXISTS agent_files (
    agent_id BIGINT NOT NULL,
    path VARCHAR(400) NOT NULL,
    text MEDIUMTEXT NOT NULL,
    PRIMARY KEY (agent_id, path),
    CONSTRAINT fk_agent_files_agent FOREIGN KEY (agent_id)
        REFERENCES agents (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The site's generation that an agent last made live.
SET @holdfast_step = IF(
    EXISTS (
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'agents' AND column_name = 'applied'
    ),
    'DO 0',
    'ALTER TABLE agents ADD COLUMN applied BIGINT'
);
PREPARE holdfast_step FROM @holdfast_step;
EXECUTE holdfast_step;
DEALLOCATE PREPARE holdfast_step;

-- The site's generation at which its edge hosts had something new to know of a container or a domain.
SET @holdfast_step = IF(
    EXISTS (
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'containers' AND column_name = 'generation'
    ),
    'DO 0',
    'ALTER TABLE containers ADD COLUMN generation BIGINT NOT NULL DEFAULT 0'
);
PREPARE holdfast_step FROM @holdfast_step;
EXECUTE holdfast_step;
DEALLOCATE PREPARE holdfast_step;
SET @holdfast_step = IF(
    EXISTS (
        SELECT 1 FROM information_schema.statistics
        WHERE table_schema = DATABASE() AND table_name = 'containers' AND index_name = 'ix_containers_generation'
    ),
    'DO 0',
    'CREATE INDEX ix_containers_generation ON containers (site_id, generation)'
);
PREPARE holdfast_step FROM @holdfast_step;
EXECUTE holdfast_step;
DEALLOCATE PREPARE holdfast_step;
SET @holdfast_step = IF(
    EXISTS (
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'domains' AND column_name = 'generation'
    ),
    'DO 0',
    'ALTER TABLE domains ADD COLUMN generation BIGINT NOT NULL DEFAULT 0'
);
PREPARE holdfast_step FROM @holdfast_step;
EXECUTE holdfast_step;
DEALLOCATE PREPARE holdfast_step;
