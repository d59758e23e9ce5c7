-- Every name below the domains of a site, with its only holder: a container, or a host, node or domain,
-- which have no `container_id`. `purpose` is what the name is used for.
CREATE TABLE names (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    site_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    purpose TEXT NOT NULL,
    container_id BIGINT,
    CONSTRAINT fk_names_site FOREIGN KEY (site_id)
        REFERENCES sites (id) ON DELETE CASCADE,
    CONSTRAINT fk_names_container FOREIGN KEY (container_id)
        REFERENCES containers (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX uq_names ON names (site_id, name);
CREATE INDEX ix_names_container ON names (container_id);

INSERT OR IGNORE INTO names (site_id, name, purpose, container_id)
SELECT c.site_id, c.name || '.' || s.domain, 'container', c.id
FROM containers c JOIN sites s ON s.id = c.site_id;
INSERT OR IGNORE INTO names (site_id, name, purpose, container_id)
SELECT v.site_id, v.label || '.' || d.name, 'hostname', v.container_id
FROM services v JOIN domains d ON d.id = v.domain_id WHERE v.kind = 'http';
INSERT OR IGNORE INTO names (site_id, name, purpose, container_id)
SELECT v.site_id, v.name || '.' || d.name, 'hostname', v.container_id
FROM services v JOIN domains d ON d.id = v.domain_id WHERE v.kind = 'tcp';
INSERT OR IGNORE INTO names (site_id, name, purpose, container_id)
SELECT v.site_id, v.name || '.' || s.domain, 'srv', v.container_id
FROM services v JOIN sites s ON s.id = v.site_id WHERE v.kind = 'srv';
INSERT OR IGNORE INTO names (site_id, name, purpose)
SELECT site_id, name, 'domain' FROM domains;
INSERT OR IGNORE INTO names (site_id, name, purpose)
SELECT id, domain, 'domain' FROM sites;
INSERT OR IGNORE INTO names (site_id, name, purpose)
SELECT h.site_id, h.name || '.' || s.domain, 'host'
FROM hosts h JOIN sites s ON s.id = h.site_id;
INSERT OR IGNORE INTO names (site_id, name, purpose)
SELECT s.id, LOWER(n.node) || '.' || s.domain, 'node'
FROM node_addresses n JOIN sites s ON s.cluster_id = n.cluster_id;
