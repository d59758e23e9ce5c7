-- The pair (id, cluster_id) is unique so that containers can refer to both: a site with containers
-- cannot move to another cluster. `generation` grows with each change of the site's configuration.
-- `dynamic_range` is the DHCP range for machines that Holdfast does not manage.
CREATE TABLE sites (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    name TEXT NOT NULL,
    domain TEXT NOT NULL,
    cluster_id BIGINT NOT NULL,
    bridge TEXT NOT NULL,
    network TEXT NOT NULL,
    gateway TEXT NOT NULL,
    range_first BIGINT NOT NULL,
    range_last BIGINT NOT NULL,
    dynamic_range TEXT,
    forwarders TEXT NOT NULL,
    public_v4 TEXT,
    public_v6 TEXT,
    template_storage TEXT NOT NULL,
    volume_storage TEXT NOT NULL,
    vmid_first BIGINT NOT NULL,
    vmid_last BIGINT NOT NULL,
    port_first BIGINT NOT NULL,
    port_last BIGINT NOT NULL,
    generation BIGINT NOT NULL DEFAULT 1,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT fk_sites_cluster FOREIGN KEY (cluster_id)
        REFERENCES clusters (id) ON DELETE RESTRICT
);
CREATE UNIQUE INDEX uq_sites_name ON sites (name);
CREATE UNIQUE INDEX uq_sites_cluster ON sites (id, cluster_id);
CREATE INDEX ix_sites_cluster ON sites (cluster_id);

-- DHCP leases as reported by the sites' DHCP servers. `expires_at` is null for an infinite lease.
CREATE TABLE dhcp_leases (
    site_id BIGINT NOT NULL,
    address TEXT NOT NULL,
    mac TEXT NOT NULL,
    name TEXT,
    expires_at BIGINT,
    PRIMARY KEY (site_id, address),
    CONSTRAINT fk_dhcp_leases_site FOREIGN KEY (site_id)
        REFERENCES sites (id) ON DELETE CASCADE
);
CREATE INDEX ix_dhcp_leases_mac ON dhcp_leases (site_id, mac);
