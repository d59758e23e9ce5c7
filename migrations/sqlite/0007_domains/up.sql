-- Domains under which a site publishes. A site had one, its own, under which everybody published.
CREATE TABLE domains (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    site_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    sign_in TEXT,
    hsts TEXT NOT NULL,
    publishers TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT fk_domains_site FOREIGN KEY (site_id)
        REFERENCES sites (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX uq_domains_name ON domains (site_id, name);
INSERT INTO domains (site_id, name, hsts, publishers, created_at)
    SELECT id, domain, 'off', 'everybody', created_at FROM sites;

-- Who may publish under a domain whose `publishers` are people.
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

-- What is published under a name is published under one of the site's domains. `name` is that of a
-- record; `options` is JSON, none means the usual.
ALTER TABLE services ADD COLUMN domain_id BIGINT REFERENCES domains (id) ON DELETE RESTRICT;
ALTER TABLE services ADD COLUMN name TEXT;
ALTER TABLE services ADD COLUMN options TEXT;
UPDATE services SET domain_id = (
    SELECT MIN(domains.id) FROM domains WHERE domains.site_id = services.site_id
) WHERE kind = 'http';
DROP INDEX uq_services_label;
CREATE UNIQUE INDEX uq_services_label ON services (domain_id, label);
