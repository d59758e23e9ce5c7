-- MySQL commits after each statement, so every statement must be repeatable.

-- `address_number` is the address as an integer, for sorting. `env` and `image_values` are JSON.
-- `provisioned_at` is set once the container exists in Proxmox. `generation` is the site's generation of
-- the last change.
CREATE TABLE IF NOT EXISTS containers (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    site_id BIGINT NOT NULL,
    cluster_id BIGINT NOT NULL,
    owner_id BIGINT NOT NULL,
    name VARCHAR(63) NOT NULL,
    source VARCHAR(512) NOT NULL,
    cores INTEGER NOT NULL,
    memory_mib INTEGER NOT NULL,
    disk_gib INTEGER NOT NULL,
    docker BOOLEAN NOT NULL,
    env MEDIUMTEXT NOT NULL,
    entrypoint MEDIUMTEXT,
    description MEDIUMTEXT,
    image_values MEDIUMTEXT,
    node VARCHAR(63) NOT NULL,
    vmid BIGINT NOT NULL,
    mac VARCHAR(17) NOT NULL,
    address VARCHAR(15) NOT NULL,
    address_number BIGINT NOT NULL,
    provisioned_at BIGINT,
    desired_running BOOLEAN NOT NULL,
    restart_needed BOOLEAN NOT NULL,
    generation BIGINT NOT NULL DEFAULT 0,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE KEY uq_containers_name (site_id, name),
    UNIQUE KEY uq_containers_address (site_id, address),
    UNIQUE KEY uq_containers_vmid (cluster_id, vmid),
    UNIQUE KEY uq_containers_mac (mac),
    KEY ix_containers_site (site_id, cluster_id),
    KEY ix_containers_owner (owner_id),
    KEY ix_containers_generation (site_id, generation),
    CONSTRAINT fk_containers_site FOREIGN KEY (site_id, cluster_id)
        REFERENCES sites (id, cluster_id) ON DELETE RESTRICT,
    CONSTRAINT fk_containers_owner FOREIGN KEY (owner_id)
        REFERENCES users (id) ON DELETE RESTRICT
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- `label` is the hostname of an HTTP service, `name` the TLS hostname of a TCP service or the name of an
-- SRV record, `external_port` the port of a TCP or UDP service. Nulls never collide, so each unique index
-- applies only where there is a value. `options` is JSON; null means the defaults.
CREATE TABLE IF NOT EXISTS services (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    container_id BIGINT NOT NULL,
    site_id BIGINT NOT NULL,
    position BIGINT NOT NULL,
    kind VARCHAR(8) NOT NULL,
    container_port BIGINT NOT NULL,
    external_port BIGINT,
    domain_id BIGINT,
    label VARCHAR(63),
    name VARCHAR(120),
    options VARCHAR(1024),
    UNIQUE KEY uq_services_label (domain_id, label),
    UNIQUE KEY uq_services_port (site_id, kind, external_port),
    KEY ix_services_container (container_id),
    CONSTRAINT fk_services_container FOREIGN KEY (container_id)
        REFERENCES containers (id) ON DELETE CASCADE,
    CONSTRAINT fk_services_domain FOREIGN KEY (domain_id)
        REFERENCES domains (id) ON DELETE RESTRICT
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
