DROP TABLE domain_publishers;
DROP TABLE domains;
