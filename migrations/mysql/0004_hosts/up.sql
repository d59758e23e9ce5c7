-- MySQL commits after each statement, so every statement must be repeatable.

-- Hosts. `secret_hash` is the hash of the join token until the agent has joined, then of its key.
-- `dhcp_site_id` is set on the site's DHCP server, so that a site has at most one; `dhcp_handover_site_id`
-- is set on the host that becomes it once the current one has applied generation
-- `dhcp_handover_generation` without it. `facts`, `layout` and `report` are JSON.
CREATE TABLE IF NOT EXISTS hosts (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    site_id BIGINT NOT NULL,
    name VARCHAR(63) NOT NULL,
    secret_hash VARCHAR(64) NOT NULL,
    join_expires_at BIGINT,
    facts VARCHAR(2000),
    layout VARCHAR(4000),
    last_seen_at BIGINT,
    dhcp_site_id BIGINT,
    dhcp_handover_site_id BIGINT,
    dhcp_handover_generation BIGINT,
    applied_generation BIGINT,
    report MEDIUMTEXT,
    created_at BIGINT NOT NULL,
    UNIQUE KEY uq_hosts_name (site_id, name),
    UNIQUE KEY uq_hosts_secret (secret_hash),
    UNIQUE KEY uq_hosts_dhcp (dhcp_site_id),
    UNIQUE KEY uq_hosts_dhcp_handover (dhcp_handover_site_id),
    CONSTRAINT fk_hosts_site FOREIGN KEY (site_id)
        REFERENCES sites (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The configuration files that are live on a host, as reported by its agent.
CREATE TABLE IF NOT EXISTS host_files (
    host_id BIGINT NOT NULL,
    path VARCHAR(400) NOT NULL,
    text MEDIUMTEXT NOT NULL,
    PRIMARY KEY (host_id, path),
    CONSTRAINT fk_host_files_host FOREIGN KEY (host_id)
        REFERENCES hosts (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
