-- MySQL commits every statement by itself: each must be one that can be run again. It has no
-- `ADD COLUMN IF NOT EXISTS`, which MariaDB has, so the statement is chosen first.

-- Edge hosts' agents. `secret_hash` is that of the word to join with until it has joined, of its
-- key from then on. `dhcp_site` is the site of the one that gives out addresses, so that no site has
-- two; `dhcp_wanted` that of the one that should, once the other
-- has served the site's generation `dhcp_generation` without. `about` and `report` are JSON.
CREATE TABLE IF NOT EXISTS agents (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    site_id BIGINT NOT NULL,
    name VARCHAR(63) NOT NULL,
    secret_hash VARCHAR(64) NOT NULL,
    invited_until BIGINT,
    about VARCHAR(2000),
    layout VARCHAR(4000),
    seen_at BIGINT,
    dhcp_site BIGINT,
    dhcp_wanted BIGINT,
    dhcp_generation BIGINT,
    report MEDIUMTEXT,
    created_at BIGINT NOT NULL,
    UNIQUE KEY uq_agents_name (site_id, name),
    UNIQUE KEY uq_agents_secret (secret_hash),
    UNIQUE KEY uq_agents_dhcp (dhcp_site),
    UNIQUE KEY uq_agents_wanted (dhcp_wanted),
    CONSTRAINT fk_agents_site FOREIGN KEY (site_id)
        REFERENCES sites (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Grows with each change that a site's edge hosts must know of.
SET @holdfast_step = IF(
    EXISTS (
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'sites' AND column_name = 'generation'
    ),
    'DO 0',
    'ALTER TABLE sites ADD COLUMN generation BIGINT NOT NULL DEFAULT 1'
);
PREPARE holdfast_step FROM @holdfast_step;
EXECUTE holdfast_step;
DEALLOCATE PREPARE holdfast_step;
