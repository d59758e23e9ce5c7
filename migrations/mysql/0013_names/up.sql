-- MySQL commits after each statement, so every statement must be repeatable.

-- Every name below the domains of a site, with its only holder: a container, or a host, node or domain,
-- which have no `container_id`. `purpose` is what the name is used for.
CREATE TABLE IF NOT EXISTS names (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    site_id BIGINT NOT NULL,
    name VARCHAR(253) NOT NULL,
    purpose VARCHAR(16) NOT NULL,
    container_id BIGINT,
    UNIQUE KEY uq_names (site_id, name),
    KEY ix_names_container (container_id),
    CONSTRAINT fk_names_site FOREIGN KEY (site_id)
        REFERENCES sites (id) ON DELETE CASCADE,
    CONSTRAINT fk_names_container FOREIGN KEY (container_id)
        REFERENCES containers (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT IGNORE INTO names (site_id, name, purpose, container_id)
SELECT c.site_id, CONCAT(c.name, '.', s.domain), 'container', c.id
FROM containers c JOIN sites s ON s.id = c.site_id;
INSERT IGNORE INTO names (site_id, name, purpose, container_id)
SELECT v.site_id, CONCAT(v.label, '.', d.name), 'hostname', v.container_id
FROM services v JOIN domains d ON d.id = v.domain_id WHERE v.kind = 'http';
INSERT IGNORE INTO names (site_id, name, purpose, container_id)
SELECT v.site_id, CONCAT(v.name, '.', d.name), 'hostname', v.container_id
FROM services v JOIN domains d ON d.id = v.domain_id WHERE v.kind = 'tcp';
INSERT IGNORE INTO names (site_id, name, purpose, container_id)
SELECT v.site_id, CONCAT(v.name, '.', s.domain), 'srv', v.container_id
FROM services v JOIN sites s ON s.id = v.site_id WHERE v.kind = 'srv';
INSERT IGNORE INTO names (site_id, name, purpose)
SELECT site_id, name, 'domain' FROM domains;
INSERT IGNORE INTO names (site_id, name, purpose)
SELECT id, domain, 'domain' FROM sites;
INSERT IGNORE INTO names (site_id, name, purpose)
SELECT h.site_id, CONCAT(h.name, '.', s.domain), 'host'
FROM hosts h JOIN sites s ON s.id = h.site_id;
INSERT IGNORE INTO names (site_id, name, purpose)
SELECT s.id, CONCAT(LOWER(n.node), '.', s.domain), 'node'
FROM node_addresses n JOIN sites s ON s.cluster_id = n.cluster_id;
