-- MySQL commits every statement by itself: each must be one that can be run again.

-- Domains under which a site publishes. A site had one, its own, under which everybody published.
CREATE TABLE IF NOT EXISTS domains (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    site_id BIGINT NOT NULL,
    name VARCHAR(253) NOT NULL,
    sign_in VARCHAR(300),
    hsts VARCHAR(16) NOT NULL,
    publishers VARCHAR(16) NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE KEY uq_domains_name (site_id, name),
    CONSTRAINT fk_domains_site FOREIGN KEY (site_id)
        REFERENCES sites (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
INSERT INTO domains (site_id, name, hsts, publishers, created_at)
    SELECT id, domain, 'off', 'everybody', created_at FROM sites
    WHERE NOT EXISTS (SELECT 1 FROM domains d WHERE d.site_id = sites.id);

-- Who may publish under a domain whose `publishers` are people.
CREATE TABLE IF NOT EXISTS domain_publishers (
    domain_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    PRIMARY KEY (domain_id, user_id),
    KEY ix_domain_publishers_user (user_id),
    CONSTRAINT fk_domain_publishers_domain FOREIGN KEY (domain_id)
        REFERENCES domains (id) ON DELETE CASCADE,
    CONSTRAINT fk_domain_publishers_user FOREIGN KEY (user_id)
        REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What is published under a name is published under one of the site's domains. `name` is that of a
-- record; `options` is JSON, none means the usual. MySQL has no `ADD COLUMN IF NOT EXISTS`, which
-- MariaDB has, so the statement is chosen first.
SET @holdfast_step = IF(
    EXISTS (
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'services' AND column_name = 'domain_id'
    ),
    'DO 0',
    'ALTER TABLE services
        ADD COLUMN domain_id BIGINT,
        ADD COLUMN name VARCHAR(120),
        ADD COLUMN options VARCHAR(1024),
        ADD CONSTRAINT fk_services_domain FOREIGN KEY (domain_id)
            REFERENCES domains (id) ON DELETE RESTRICT'
);
PREPARE holdfast_step FROM @holdfast_step;
EXECUTE holdfast_step;
DEALLOCATE PREPARE holdfast_step;
UPDATE services SET domain_id = (
    SELECT MIN(domains.id) FROM domains WHERE domains.site_id = services.site_id
) WHERE kind = 'http' AND domain_id IS NULL;
SET @holdfast_step = IF(
    EXISTS (
        SELECT 1 FROM information_schema.statistics
        WHERE table_schema = DATABASE() AND table_name = 'services'
            AND index_name = 'uq_services_label' AND column_name = 'site_id'
    ),
    'ALTER TABLE services DROP KEY uq_services_label, ADD UNIQUE KEY uq_services_label (domain_id, label)',
    'DO 0'
);
PREPARE holdfast_step FROM @holdfast_step;
EXECUTE holdfast_step;
DEALLOCATE PREPARE holdfast_step;
