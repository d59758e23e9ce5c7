-- Proxmox VE clusters. `secret` is encrypted.
CREATE TABLE clusters (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    token_id TEXT NOT NULL,
    secret TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX uq_clusters_name ON clusters (name);

-- The pair (id, cluster_id) is unique so that containers can refer to both at once: a site
-- with containers cannot move to another cluster.
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
    template_storage TEXT NOT NULL,
    volume_storage TEXT NOT NULL,
    vmid_first BIGINT NOT NULL,
    vmid_last BIGINT NOT NULL,
    port_first BIGINT NOT NULL,
    port_last BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT fk_sites_cluster FOREIGN KEY (cluster_id)
        REFERENCES clusters (id) ON DELETE RESTRICT
);
CREATE UNIQUE INDEX uq_sites_name ON sites (name);
CREATE UNIQUE INDEX uq_sites_cluster ON sites (id, cluster_id);
CREATE INDEX ix_sites_cluster ON sites (cluster_id);
