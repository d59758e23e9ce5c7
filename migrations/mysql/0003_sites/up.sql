-- MySQL commits after each statement, so every statement must be repeatable.

-- The pair (id, cluster_id) is unique so that containers can refer to both: a site with containers
-- cannot move to another cluster. `generation` grows with each change of the site's configuration.
-- `dynamic_range` is the DHCP range for machines that Holdfast does not manage.
CREATE TABLE IF NOT EXISTS sites (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(63) NOT NULL,
    domain VARCHAR(253) NOT NULL,
    cluster_id BIGINT NOT NULL,
    bridge VARCHAR(15) NOT NULL,
    network VARCHAR(18) NOT NULL,
    gateway VARCHAR(15) NOT NULL,
    range_first BIGINT NOT NULL,
    range_last BIGINT NOT NULL,
    dynamic_range VARCHAR(31),
    forwarders VARCHAR(160) NOT NULL,
    public_v4 VARCHAR(15),
    public_v6 VARCHAR(45),
    template_storage VARCHAR(100) NOT NULL,
    volume_storage VARCHAR(100) NOT NULL,
    vmid_first BIGINT NOT NULL,
    vmid_last BIGINT NOT NULL,
    port_first BIGINT NOT NULL,
    port_last BIGINT NOT NULL,
    generation BIGINT NOT NULL DEFAULT 1,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE KEY uq_sites_name (name),
    UNIQUE KEY uq_sites_cluster (id, cluster_id),
    KEY ix_sites_cluster (cluster_id),
    CONSTRAINT fk_sites_cluster FOREIGN KEY (cluster_id)
        REFERENCES clusters (id) ON DELETE RESTRICT
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- DHCP leases as reported by the sites' DHCP servers. `expires_at` is null for an infinite lease.
CREATE TABLE IF NOT EXISTS dhcp_leases (
    site_id BIGINT NOT NULL,
    address VARCHAR(15) NOT NULL,
    mac VARCHAR(17) NOT NULL,
    name VARCHAR(63),
    expires_at BIGINT,
    PRIMARY KEY (site_id, address),
    KEY ix_dhcp_leases_mac (site_id, mac),
    CONSTRAINT fk_dhcp_leases_site FOREIGN KEY (site_id)
        REFERENCES sites (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
