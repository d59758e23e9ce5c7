DROP TABLE IF EXISTS dns_records;
DROP TABLE IF EXISTS acme_challenges;
DROP TABLE IF EXISTS certificate_events;
DROP TABLE IF EXISTS certificates;
DROP TABLE IF EXISTS domain_certificate_sources;
DROP TABLE IF EXISTS dns_providers;
DROP TABLE IF EXISTS certificate_authorities;
