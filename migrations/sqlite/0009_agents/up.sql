-- Edge hosts' agents. `secret_hash` is that of the word to join with until it has joined, of its
-- key from then on. `dhcp_site` is the site of the one that gives out addresses, so that no site has
-- two; `dhcp_wanted` that of the one that should, once the other
-- has served the site's generation `dhcp_generation` without. `about` and `report` are JSON.
CREATE TABLE agents (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    site_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    invited_until BIGINT,
    about TEXT,
    layout TEXT,
    seen_at BIGINT,
    dhcp_site BIGINT,
    dhcp_wanted BIGINT,
    dhcp_generation BIGINT,
    report TEXT,
    created_at BIGINT NOT NULL,
    CONSTRAINT fk_agents_site FOREIGN KEY (site_id)
        REFERENCES sites (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX uq_agents_name ON agents (site_id, name);
CREATE UNIQUE INDEX uq_agents_secret ON agents (secret_hash);
CREATE UNIQUE INDEX uq_agents_dhcp ON agents (dhcp_site);
CREATE UNIQUE INDEX uq_agents_wanted ON agents (dhcp_wanted);

-- Grows with each change that a site's edge hosts must know of.
ALTER TABLE sites ADD COLUMN generation BIGINT NOT NULL DEFAULT 1;
