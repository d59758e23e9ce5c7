DROP TABLE dns_records;
DROP TABLE acme_challenges;
DROP TABLE certificate_events;
DROP TABLE certificates;
DROP TABLE domain_certificate_sources;
DROP TABLE dns_providers;
DROP TABLE certificate_authorities;
