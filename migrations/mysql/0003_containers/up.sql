-- MySQL commits every statement by itself: each must be one that can be run again.

-- `address_number` is the address as a number, for sorting. `env` and `image_values` are JSON.
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
    env MEDIUMTEXT NOT NULL,
    entrypoint MEDIUMTEXT,
    description MEDIUMTEXT,
    image_values MEDIUMTEXT,
    node VARCHAR(63) NOT NULL,
    vmid BIGINT NOT NULL,
    mac VARCHAR(17) NOT NULL,
    address VARCHAR(15) NOT NULL,
    address_number BIGINT NOT NULL,
    made_at BIGINT,
    wished_running BOOLEAN NOT NULL,
    restart_needed BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE KEY uq_containers_name (site_id, name),
    UNIQUE KEY uq_containers_address (site_id, address),
    UNIQUE KEY uq_containers_vmid (cluster_id, vmid),
    UNIQUE KEY uq_containers_mac (mac),
    KEY ix_containers_site (site_id, cluster_id),
    KEY ix_containers_owner (owner_id),
    CONSTRAINT fk_containers_site FOREIGN KEY (site_id, cluster_id)
        REFERENCES sites (id, cluster_id) ON DELETE RESTRICT,
    CONSTRAINT fk_containers_owner FOREIGN KEY (owner_id)
        REFERENCES users (id) ON DELETE RESTRICT
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A label is for HTTP, an external port for the others: nulls never collide, so each unique index
-- holds only where there is a value.
CREATE TABLE IF NOT EXISTS services (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    container_id BIGINT NOT NULL,
    site_id BIGINT NOT NULL,
    position BIGINT NOT NULL,
    kind VARCHAR(8) NOT NULL,
    port BIGINT NOT NULL,
    label VARCHAR(63),
    external BIGINT,
    UNIQUE KEY uq_services_label (site_id, label),
    UNIQUE KEY uq_services_port (site_id, kind, external),
    KEY ix_services_container (container_id),
    CONSTRAINT fk_services_container FOREIGN KEY (container_id)
        REFERENCES containers (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
