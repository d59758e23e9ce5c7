-- `address_number` is the address as an integer, for sorting. `env` and `image_values` are JSON.
-- `provisioned_at` is set once the container exists in Proxmox. `generation` is the site's generation of
-- the last change.
CREATE TABLE containers (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    site_id BIGINT NOT NULL,
    cluster_id BIGINT NOT NULL,
    owner_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    cores INTEGER NOT NULL,
    memory_mib INTEGER NOT NULL,
    disk_gib INTEGER NOT NULL,
    docker BOOLEAN NOT NULL,
    env TEXT NOT NULL,
    entrypoint TEXT,
    description TEXT,
    image_values TEXT,
    node TEXT NOT NULL,
    vmid BIGINT NOT NULL,
    mac TEXT NOT NULL,
    address TEXT NOT NULL,
    address_number BIGINT NOT NULL,
    provisioned_at BIGINT,
    desired_running BOOLEAN NOT NULL,
    restart_needed BOOLEAN NOT NULL,
    generation BIGINT NOT NULL DEFAULT 0,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT fk_containers_site FOREIGN KEY (site_id, cluster_id)
        REFERENCES sites (id, cluster_id) ON DELETE RESTRICT,
    CONSTRAINT fk_containers_owner FOREIGN KEY (owner_id)
        REFERENCES users (id) ON DELETE RESTRICT
);
CREATE UNIQUE INDEX uq_containers_name ON containers (site_id, name);
CREATE UNIQUE INDEX uq_containers_address ON containers (site_id, address);
CREATE UNIQUE INDEX uq_containers_vmid ON containers (cluster_id, vmid);
CREATE UNIQUE INDEX uq_containers_mac ON containers (mac);
CREATE INDEX ix_containers_site ON containers (site_id, cluster_id);
CREATE INDEX ix_containers_owner ON containers (owner_id);
CREATE INDEX ix_containers_generation ON containers (site_id, generation);

-- `label` is the hostname of an HTTP service, `name` the TLS hostname of a TCP service or the name of an
-- SRV record, `external_port` the port of a TCP or UDP service. Nulls never collide, so each unique index
-- applies only where there is a value. `options` is JSON; null means the defaults.
CREATE TABLE services (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    container_id BIGINT NOT NULL,
    site_id BIGINT NOT NULL,
    position BIGINT NOT NULL,
    kind TEXT NOT NULL,
    container_port BIGINT NOT NULL,
    external_port BIGINT,
    domain_id BIGINT,
    label TEXT,
    name TEXT,
    options TEXT,
    CONSTRAINT fk_services_container FOREIGN KEY (container_id)
        REFERENCES containers (id) ON DELETE CASCADE,
    CONSTRAINT fk_services_domain FOREIGN KEY (domain_id)
        REFERENCES domains (id) ON DELETE RESTRICT
);
CREATE UNIQUE INDEX uq_services_label ON services (domain_id, label);
CREATE UNIQUE INDEX uq_services_port ON services (site_id, kind, external_port);
CREATE INDEX ix_services_container ON services (container_id);
