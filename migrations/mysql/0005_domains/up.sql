-- MySQL commits after each statement, so every statement must be repeatable.

-- Domains under which a site publishes. `generation` is the site's generation of the last change.
CREATE TABLE IF NOT EXISTS domains (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    site_id BIGINT NOT NULL,
    name VARCHAR(253) NOT NULL,
    sign_in_url VARCHAR(300),
    hsts VARCHAR(16) NOT NULL,
    publishers VARCHAR(16) NOT NULL,
    generation BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    UNIQUE KEY uq_domains_name (site_id, name),
    CONSTRAINT fk_domains_site FOREIGN KEY (site_id)
        REFERENCES sites (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The users who can publish under a domain that is restricted to selected users.
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
