DROP TABLE dns_records;
DROP TABLE challenges;
DROP TABLE certificate_history;
DROP TABLE certificates;
DROP TABLE domain_issuance;
DROP TABLE providers;
DROP TABLE authorities;
ALTER TABLE sites DROP COLUMN public_v6, DROP COLUMN public_v4;
