DROP TABLE IF EXISTS domain_publishers;
DROP TABLE IF EXISTS domains;
