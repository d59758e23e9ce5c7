-- ACME certificate authorities and the account with each. `eab_key` and `account_key` are encrypted.
CREATE TABLE certificate_authorities (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    name TEXT NOT NULL,
    directory_url TEXT NOT NULL,
    email TEXT,
    eab_key_id TEXT,
    eab_key TEXT,
    trusted_roots TEXT,
    account_url TEXT,
    account_key TEXT,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX uq_certificate_authorities_name ON certificate_authorities (name);

-- DNS providers. `settings` is JSON, `secret` is encrypted.
CREATE TABLE dns_providers (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    name TEXT NOT NULL,
    settings TEXT NOT NULL,
    secret TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX uq_dns_providers_name ON dns_providers (name);

-- Where a domain's certificates come from, and which DNS provider has its records. With
-- `manage_addresses` the provider also gets A and AAAA records for published names.
CREATE TABLE domain_certificate_sources (
    domain_id BIGINT NOT NULL,
    source TEXT NOT NULL,
    authority_id BIGINT,
    provider_id BIGINT,
    manage_addresses BOOLEAN NOT NULL,
    PRIMARY KEY (domain_id),
    CONSTRAINT fk_domain_certificate_sources_domain FOREIGN KEY (domain_id)
        REFERENCES domains (id) ON DELETE CASCADE,
    CONSTRAINT fk_domain_certificate_sources_authority FOREIGN KEY (authority_id)
        REFERENCES certificate_authorities (id) ON DELETE RESTRICT,
    CONSTRAINT fk_domain_certificate_sources_provider FOREIGN KEY (provider_id)
        REFERENCES dns_providers (id) ON DELETE RESTRICT
);
CREATE INDEX ix_domain_certificate_sources_authority ON domain_certificate_sources (authority_id);
CREATE INDEX ix_domain_certificate_sources_provider ON domain_certificate_sources (provider_id);

-- Certificates of domains, issued or pending. `private_key` is encrypted; `details` (of the issued
-- certificate) and `last_error` are JSON; `authority_id` is the CA that issued it.
CREATE TABLE certificates (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    domain_id BIGINT NOT NULL,
    subject TEXT NOT NULL,
    source TEXT NOT NULL,
    fingerprint TEXT,
    not_after BIGINT,
    details TEXT,
    chain TEXT,
    private_key TEXT,
    renew_at BIGINT,
    next_attempt_at BIGINT,
    failures BIGINT NOT NULL,
    last_error TEXT,
    lease_owner TEXT,
    lease_until BIGINT,
    authority_id BIGINT,
    created_at BIGINT NOT NULL,
    CONSTRAINT fk_certificates_domain FOREIGN KEY (domain_id)
        REFERENCES domains (id) ON DELETE CASCADE,
    CONSTRAINT fk_certificates_authority FOREIGN KEY (authority_id)
        REFERENCES certificate_authorities (id) ON DELETE SET NULL
);
CREATE UNIQUE INDEX uq_certificates_subject ON certificates (domain_id, subject);
CREATE INDEX ix_certificates_next_attempt ON certificates (next_attempt_at);
CREATE INDEX ix_certificates_authority ON certificates (authority_id);
CREATE INDEX ix_certificates_fingerprint ON certificates (fingerprint);

-- The history of each certificate, ordered by id.
CREATE TABLE certificate_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    certificate_id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    message TEXT NOT NULL,
    CONSTRAINT fk_certificate_events_certificate FOREIGN KEY (certificate_id)
        REFERENCES certificates (id) ON DELETE CASCADE
);
CREATE INDEX ix_certificate_events ON certificate_events (certificate_id, id);

-- HTTP-01 challenges that a site's edge hosts serve while an order is pending.
CREATE TABLE acme_challenges (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    site_id BIGINT NOT NULL,
    certificate_id BIGINT NOT NULL,
    token TEXT NOT NULL,
    key_authorization TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT fk_acme_challenges_site FOREIGN KEY (site_id)
        REFERENCES sites (id) ON DELETE CASCADE,
    CONSTRAINT fk_acme_challenges_certificate FOREIGN KEY (certificate_id)
        REFERENCES certificates (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX uq_acme_challenges_token ON acme_challenges (site_id, token);
CREATE INDEX ix_acme_challenges_certificate ON acme_challenges (certificate_id);

-- DNS records that Holdfast created, or has to remove. No other record is ever changed. `last_error` is
-- JSON.
CREATE TABLE dns_records (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    provider_id BIGINT NOT NULL,
    domain_id BIGINT,
    certificate_id BIGINT,
    name TEXT NOT NULL,
    record_type TEXT NOT NULL,
    value TEXT NOT NULL,
    state TEXT NOT NULL,
    next_attempt_at BIGINT,
    failures BIGINT NOT NULL,
    last_error TEXT,
    lease_owner TEXT,
    lease_until BIGINT,
    created_at BIGINT NOT NULL,
    CONSTRAINT fk_dns_records_provider FOREIGN KEY (provider_id)
        REFERENCES dns_providers (id) ON DELETE RESTRICT,
    CONSTRAINT fk_dns_records_domain FOREIGN KEY (domain_id)
        REFERENCES domains (id) ON DELETE SET NULL,
    CONSTRAINT fk_dns_records_certificate FOREIGN KEY (certificate_id)
        REFERENCES certificates (id) ON DELETE SET NULL
);
CREATE UNIQUE INDEX uq_dns_records ON dns_records (provider_id, name, record_type, value);
CREATE INDEX ix_dns_records_domain ON dns_records (domain_id);
CREATE INDEX ix_dns_records_certificate ON dns_records (certificate_id);
