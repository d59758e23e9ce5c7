-- MySQL commits every statement by itself: each must be one that can be run again.

-- Addresses that edge hosts have lent, as their dnsmasq tells: of containers of ours and of other
-- machines. `expires_at` is none for an address that is lent for ever.
CREATE TABLE IF NOT EXISTS leases (
    site_id BIGINT NOT NULL,
    address VARCHAR(15) NOT NULL,
    mac VARCHAR(17) NOT NULL,
    name VARCHAR(63),
    expires_at BIGINT,
    PRIMARY KEY (site_id, address),
    KEY ix_leases_mac (site_id, mac),
    CONSTRAINT fk_leases_site FOREIGN KEY (site_id)
        REFERENCES sites (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The nodes' addresses within their clusters, as the clusters told last: their names are answered in
-- the network of each site, whether the cluster answers or not.
CREATE TABLE IF NOT EXISTS node_addresses (
    cluster_id BIGINT NOT NULL,
    node VARCHAR(63) NOT NULL,
    address VARCHAR(15) NOT NULL,
    PRIMARY KEY (cluster_id, node),
    CONSTRAINT fk_node_addresses_cluster FOREIGN KEY (cluster_id)
        REFERENCES clusters (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
