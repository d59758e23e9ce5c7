-- MySQL commits after each statement, so every statement must be repeatable.

-- Proxmox VE clusters. `secret` is the API token's secret, encrypted.
CREATE TABLE IF NOT EXISTS clusters (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(63) NOT NULL,
    url VARCHAR(512) NOT NULL,
    token_id VARCHAR(255) NOT NULL,
    secret VARCHAR(1024) NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE KEY uq_clusters_name (name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- URLs of a cluster's nodes with the pinned fingerprints of their certificates. `clusters.url` is the
-- preferred one; the others are used while it is unreachable.
CREATE TABLE IF NOT EXISTS cluster_certificates (
    cluster_id BIGINT NOT NULL,
    url VARCHAR(300) NOT NULL,
    fingerprint VARCHAR(95) NOT NULL,
    PRIMARY KEY (cluster_id, url),
    CONSTRAINT fk_cluster_certificates_cluster FOREIGN KEY (cluster_id)
        REFERENCES clusters (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Which server polls a cluster for all servers. `observation` is JSON, stored only until
-- `requested_until`, while other servers request it.
CREATE TABLE IF NOT EXISTS cluster_observations (
    cluster_id BIGINT NOT NULL,
    lease_owner VARCHAR(64),
    lease_until BIGINT,
    requested_until BIGINT NOT NULL,
    observed_at BIGINT,
    observation MEDIUMTEXT,
    PRIMARY KEY (cluster_id),
    CONSTRAINT fk_cluster_observations_cluster FOREIGN KEY (cluster_id)
        REFERENCES clusters (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The nodes' addresses as last reported by their clusters. Every site's DNS serves them, also while a
-- cluster is unreachable.
CREATE TABLE IF NOT EXISTS node_addresses (
    cluster_id BIGINT NOT NULL,
    node VARCHAR(63) NOT NULL,
    address VARCHAR(15) NOT NULL,
    PRIMARY KEY (cluster_id, node),
    CONSTRAINT fk_node_addresses_cluster FOREIGN KEY (cluster_id)
        REFERENCES clusters (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
