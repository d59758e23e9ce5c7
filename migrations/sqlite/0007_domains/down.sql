-- SQLite drops no column that refers to another table, so the table is made anew.
CREATE TABLE services_before (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    container_id BIGINT NOT NULL,
    site_id BIGINT NOT NULL,
    position BIGINT NOT NULL,
    kind TEXT NOT NULL,
    port BIGINT NOT NULL,
    label TEXT,
    external BIGINT,
    CONSTRAINT fk_services_container FOREIGN KEY (container_id)
        REFERENCES containers (id) ON DELETE CASCADE
);
INSERT INTO services_before
    SELECT id, container_id, site_id, position, kind, port, label, external
    FROM services WHERE kind <> 'srv';
DROP TABLE services;
ALTER TABLE services_before RENAME TO services;
CREATE UNIQUE INDEX uq_services_label ON services (site_id, label);
CREATE UNIQUE INDEX uq_services_port ON services (site_id, kind, external);
CREATE INDEX ix_services_container ON services (container_id);
DROP TABLE domain_publishers;
DROP TABLE domains;
