-- Addresses that edge hosts have lent, as their dnsmasq tells: of containers of ours and of other
-- machines. `expires_at` is none for an address that is lent for ever.
CREATE TABLE leases (
    site_id BIGINT NOT NULL,
    address TEXT NOT NULL,
    mac TEXT NOT NULL,
    name TEXT,
    expires_at BIGINT,
    PRIMARY KEY (site_id, address),
    CONSTRAINT fk_leases_site FOREIGN KEY (site_id)
        REFERENCES sites (id) ON DELETE CASCADE
);
CREATE INDEX ix_leases_mac ON leases (site_id, mac);

-- The nodes' addresses within their clusters, as the clusters told last: their names are answered in
-- the network of each site, whether the cluster answers or not.
CREATE TABLE node_addresses (
    cluster_id BIGINT NOT NULL,
    node TEXT NOT NULL,
    address TEXT NOT NULL,
    PRIMARY KEY (cluster_id, node),
    CONSTRAINT fk_node_addresses_cluster FOREIGN KEY (cluster_id)
        REFERENCES clusters (id) ON DELETE CASCADE
);
