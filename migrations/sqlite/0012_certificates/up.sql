-- Authorities that give certificates by ACME, and our account with each. `credentials` and
-- `binding_key` are encrypted. `account` is our account's address there.
CREATE TABLE authorities (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    name TEXT NOT NULL,
    directory TEXT NOT NULL,
    email TEXT,
    binding TEXT,
    binding_key TEXT,
    roots TEXT,
    account TEXT,
    credentials TEXT,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX uq_authorities_name ON authorities (name);

-- Providers of DNS. `settings` is JSON, `secret` is encrypted.
CREATE TABLE providers (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    name TEXT NOT NULL,
    settings TEXT NOT NULL,
    secret TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX uq_providers_name ON providers (name);

-- How a domain's certificates are had, where it has any, and who keeps its records: a provider of
-- DNS, which keeps the addresses of its names too when `addresses` says so.
CREATE TABLE domain_issuance (
    domain_id BIGINT NOT NULL,
    how TEXT NOT NULL,
    authority_id BIGINT,
    provider_id BIGINT,
    addresses BOOLEAN NOT NULL,
    PRIMARY KEY (domain_id),
    CONSTRAINT fk_domain_issuance_domain FOREIGN KEY (domain_id)
        REFERENCES domains (id) ON DELETE CASCADE,
    CONSTRAINT fk_domain_issuance_authority FOREIGN KEY (authority_id)
        REFERENCES authorities (id) ON DELETE RESTRICT,
    CONSTRAINT fk_domain_issuance_provider FOREIGN KEY (provider_id)
        REFERENCES providers (id) ON DELETE RESTRICT
);
CREATE INDEX ix_domain_issuance_authority ON domain_issuance (authority_id);
CREATE INDEX ix_domain_issuance_provider ON domain_issuance (provider_id);

-- Certificates that domains have or should have. `secret` is the key, encrypted; `issued` (what is
-- known of the one that there is) and `trouble` are JSON; `authority_id` is who gave that one. A server
-- that works on one has its lease.
CREATE TABLE certificates (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    domain_id BIGINT NOT NULL,
    subject TEXT NOT NULL,
    source TEXT NOT NULL,
    fingerprint TEXT,
    not_after BIGINT,
    issued TEXT,
    chain TEXT,
    secret TEXT,
    renew_at BIGINT,
    next_try BIGINT,
    failures BIGINT NOT NULL,
    trouble TEXT,
    lease_owner TEXT,
    lease_until BIGINT,
    authority_id BIGINT,
    created_at BIGINT NOT NULL,
    CONSTRAINT fk_certificates_domain FOREIGN KEY (domain_id)
        REFERENCES domains (id) ON DELETE CASCADE,
    CONSTRAINT fk_certificates_authority FOREIGN KEY (authority_id)
        REFERENCES authorities (id) ON DELETE SET NULL
);
CREATE UNIQUE INDEX uq_certificates_subject ON certificates (domain_id, subject);
CREATE INDEX ix_certificates_next ON certificates (next_try);
CREATE INDEX ix_certificates_authority ON certificates (authority_id);
CREATE INDEX ix_certificates_fingerprint ON certificates (fingerprint);

-- What happened to certificates.
CREATE TABLE certificate_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    certificate_id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    what TEXT NOT NULL,
    words TEXT NOT NULL,
    CONSTRAINT fk_certificate_history_certificate FOREIGN KEY (certificate_id)
        REFERENCES certificates (id) ON DELETE CASCADE
);
CREATE INDEX ix_certificate_history ON certificate_history (certificate_id, id);

-- What a site's edge hosts answer authorities that ask whose a name is (HTTP-01), while they ask.
CREATE TABLE challenges (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    site_id BIGINT NOT NULL,
    certificate_id BIGINT NOT NULL,
    token TEXT NOT NULL,
    answer TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT fk_challenges_site FOREIGN KEY (site_id)
        REFERENCES sites (id) ON DELETE CASCADE,
    CONSTRAINT fk_challenges_certificate FOREIGN KEY (certificate_id)
        REFERENCES certificates (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX uq_challenges_token ON challenges (site_id, token);
CREATE INDEX ix_challenges_certificate ON challenges (certificate_id);

-- Records that Holdfast keeps, or has to take away, at providers of DNS: no other is ever changed.
-- `trouble` is JSON.
CREATE TABLE dns_records (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    provider_id BIGINT NOT NULL,
    domain_id BIGINT,
    certificate_id BIGINT,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    state TEXT NOT NULL,
    next_try BIGINT,
    failures BIGINT NOT NULL,
    trouble TEXT,
    lease_until BIGINT,
    created_at BIGINT NOT NULL,
    CONSTRAINT fk_dns_records_provider FOREIGN KEY (provider_id)
        REFERENCES providers (id) ON DELETE RESTRICT,
    CONSTRAINT fk_dns_records_domain FOREIGN KEY (domain_id)
        REFERENCES domains (id) ON DELETE SET NULL,
    CONSTRAINT fk_dns_records_certificate FOREIGN KEY (certificate_id)
        REFERENCES certificates (id) ON DELETE SET NULL
);
CREATE UNIQUE INDEX uq_dns_records ON dns_records (provider_id, name, kind, value);
CREATE INDEX ix_dns_records_domain ON dns_records (domain_id);
CREATE INDEX ix_dns_records_certificate ON dns_records (certificate_id);

-- Where the world outside reaches a site's edge hosts: the addresses of published names.
ALTER TABLE sites ADD COLUMN public_v4 TEXT;
ALTER TABLE sites ADD COLUMN public_v6 TEXT;
