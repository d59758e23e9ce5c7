-- Hosts. `secret_hash` is the hash of the join token until the agent has joined, then of its key.
-- `dhcp_site_id` is set on the site's DHCP server, so that a site has at most one; `dhcp_handover_site_id`
-- is set on the host that becomes it once the current one has applied generation
-- `dhcp_handover_generation` without it. `facts`, `layout` and `report` are JSON.
CREATE TABLE hosts (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    site_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    join_expires_at BIGINT,
    facts TEXT,
    layout TEXT,
    last_seen_at BIGINT,
    dhcp_site_id BIGINT,
    dhcp_handover_site_id BIGINT,
    dhcp_handover_generation BIGINT,
    applied_generation BIGINT,
    report TEXT,
    created_at BIGINT NOT NULL,
    CONSTRAINT fk_hosts_site FOREIGN KEY (site_id)
        REFERENCES sites (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX uq_hosts_name ON hosts (site_id, name);
CREATE UNIQUE INDEX uq_hosts_secret ON hosts (secret_hash);
CREATE UNIQUE INDEX uq_hosts_dhcp ON hosts (dhcp_site_id);
CREATE UNIQUE INDEX uq_hosts_dhcp_handover ON hosts (dhcp_handover_site_id);

-- The configuration files that are live on a host, as reported by its agent.
CREATE TABLE host_files (
    host_id BIGINT NOT NULL,
    path TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (host_id, path),
    CONSTRAINT fk_host_files_host FOREIGN KEY (host_id)
        REFERENCES hosts (id) ON DELETE CASCADE
);
