-- Domains under which a site publishes. `generation` is the site's generation of the last change.
CREATE TABLE domains (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    site_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    sign_in_url TEXT,
    hsts TEXT NOT NULL,
    publishers TEXT NOT NULL,
    generation BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    CONSTRAINT fk_domains_site FOREIGN KEY (site_id)
        REFERENCES sites (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX uq_domains_name ON domains (site_id, name);

-- The users who can publish under a domain that is restricted to selected users.
CREATE TABLE domain_publishers (
    domain_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    PRIMARY KEY (domain_id, user_id),
    CONSTRAINT fk_domain_publishers_domain FOREIGN KEY (domain_id)
        REFERENCES domains (id) ON DELETE CASCADE,
    CONSTRAINT fk_domain_publishers_user FOREIGN KEY (user_id)
        REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX ix_domain_publishers_user ON domain_publishers (user_id);
