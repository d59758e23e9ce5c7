DELETE FROM services WHERE kind = 'srv';
ALTER TABLE services DROP FOREIGN KEY fk_services_domain;
ALTER TABLE services
    DROP KEY uq_services_label,
    DROP COLUMN domain_id,
    DROP COLUMN name,
    DROP COLUMN options,
    ADD UNIQUE KEY uq_services_label (site_id, label);
DROP TABLE domain_publishers;
DROP TABLE domains;
