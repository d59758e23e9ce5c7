-- MySQL commits every statement by itself: each must be one that can be run again.

-- Proxmox VE clusters. `secret` is encrypted.
CREATE TABLE IF NOT EXISTS clusters (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(63) NOT NULL,
    url VARCHAR(512) NOT NULL,
    token_id VARCHAR(255) NOT NULL,
    secret VARCHAR(1024) NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE KEY uq_clusters_name (name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The pair (id, cluster_id) is unique so that containers can refer to both at once: a site
-- with containers cannot move to another cluster.
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
    template_storage VARCHAR(100) NOT NULL,
    volume_storage VARCHAR(100) NOT NULL,
    vmid_first BIGINT NOT NULL,
    vmid_last BIGINT NOT NULL,
    port_first BIGINT NOT NULL,
    port_last BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE KEY uq_sites_name (name),
    UNIQUE KEY uq_sites_cluster (id, cluster_id),
    KEY ix_sites_cluster (cluster_id),
    CONSTRAINT fk_sites_cluster FOREIGN KEY (cluster_id)
        REFERENCES clusters (id) ON DELETE RESTRICT
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
