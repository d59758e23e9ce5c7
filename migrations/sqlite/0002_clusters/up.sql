-- Proxmox VE clusters. `secret` is the API token's secret, encrypted.
CREATE TABLE clusters (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    token_id TEXT NOT NULL,
    secret TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX uq_clusters_name ON clusters (name);

-- URLs of a cluster's nodes with the pinned fingerprints of their certificates. `clusters.url` is the
-- preferred one; the others are used while it is unreachable.
CREATE TABLE cluster_certificates (
    cluster_id BIGINT NOT NULL,
    url TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    PRIMARY KEY (cluster_id, url),
    CONSTRAINT fk_cluster_certificates_cluster FOREIGN KEY (cluster_id)
        REFERENCES clusters (id) ON DELETE CASCADE
);

-- Which server polls a cluster for all servers. `observation` is JSON, stored only until
-- `requested_until`, while other servers request it.
CREATE TABLE cluster_observations (
    cluster_id BIGINT NOT NULL,
    lease_owner TEXT,
    lease_until BIGINT,
    requested_until BIGINT NOT NULL,
    observed_at BIGINT,
    observation TEXT,
    PRIMARY KEY (cluster_id),
    CONSTRAINT fk_cluster_observations_cluster FOREIGN KEY (cluster_id)
        REFERENCES clusters (id) ON DELETE CASCADE
);

-- The nodes' addresses as last reported by their clusters. Every site's DNS serves them, also while a
-- cluster is unreachable.
CREATE TABLE node_addresses (
    cluster_id BIGINT NOT NULL,
    node TEXT NOT NULL,
    address TEXT NOT NULL,
    PRIMARY KEY (cluster_id, node),
    CONSTRAINT fk_node_addresses_cluster FOREIGN KEY (cluster_id)
        REFERENCES clusters (id) ON DELETE CASCADE
);
