DELETE FROM services WHERE kind = 'srv';
DROP INDEX uq_services_label;
ALTER TABLE services DROP COLUMN domain_id, DROP COLUMN name, DROP COLUMN options;
CREATE UNIQUE INDEX uq_services_label ON services (site_id, label);
DROP TABLE domain_publishers;
DROP TABLE domains;
