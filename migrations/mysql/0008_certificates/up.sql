-- MySQL commits after each statement, so every statement must be repeatable.

-- ACME certificate authorities and the account with each. `eab_key` and `account_key` are encrypted.
CREATE TABLE IF NOT EXISTS certificate_authorities (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(63) NOT NULL,
    directory_url VARCHAR(500) NOT NULL,
    email VARCHAR(320),
    eab_key_id VARCHAR(200),
    eab_key VARCHAR(1000),
    trusted_roots MEDIUMTEXT,
    account_url VARCHAR(500),
    account_key VARCHAR(4000),
    created_at BIGINT NOT NULL,
    UNIQUE KEY uq_certificate_authorities_name (name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- DNS providers. `settings` is JSON, `secret` is encrypted.
CREATE TABLE IF NOT EXISTS dns_providers (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(63) NOT NULL,
    settings VARCHAR(2000) NOT NULL,
    secret VARCHAR(1000) NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE KEY uq_dns_providers_name (name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Where a domain's certificates come from, and which DNS provider has its records. With
-- `manage_addresses` the provider also gets A and AAAA records for published names.
CREATE TABLE IF NOT EXISTS domain_certificate_sources (
    domain_id BIGINT NOT NULL,
    source VARCHAR(16) NOT NULL,
    authority_id BIGINT,
    provider_id BIGINT,
    manage_addresses BOOLEAN NOT NULL,
    PRIMARY KEY (domain_id),
    KEY ix_domain_certificate_sources_authority (authority_id),
    KEY ix_domain_certificate_sources_provider (provider_id),
    CONSTRAINT fk_domain_certificate_sources_domain FOREIGN KEY (domain_id)
        REFERENCES domains (id) ON DELETE CASCADE,
    CONSTRAINT fk_domain_certificate_sources_authority FOREIGN KEY (authority_id)
        REFERENCES certificate_authorities (id) ON DELETE RESTRICT,
    CONSTRAINT fk_domain_certificate_sources_provider FOREIGN KEY (provider_id)
        REFERENCES dns_providers (id) ON DELETE RESTRICT
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Certificates of domains, issued or pending. `private_key` is encrypted; `details` (of the issued
-- certificate) and `last_error` are JSON; `authority_id` is the CA that issued it.
CREATE TABLE IF NOT EXISTS certificates (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    domain_id BIGINT NOT NULL,
    subject VARCHAR(255) NOT NULL,
    source VARCHAR(16) NOT NULL,
    fingerprint VARCHAR(95),
    not_after BIGINT,
    details MEDIUMTEXT,
    chain MEDIUMTEXT,
    private_key MEDIUMTEXT,
    renew_at BIGINT,
    next_attempt_at BIGINT,
    failures BIGINT NOT NULL,
    last_error MEDIUMTEXT,
    lease_owner VARCHAR(64),
    lease_until BIGINT,
    authority_id BIGINT,
    created_at BIGINT NOT NULL,
    UNIQUE KEY uq_certificates_subject (domain_id, subject),
    KEY ix_certificates_next_attempt (next_attempt_at),
    KEY ix_certificates_authority (authority_id),
    KEY ix_certificates_fingerprint (fingerprint),
    CONSTRAINT fk_certificates_domain FOREIGN KEY (domain_id)
        REFERENCES domains (id) ON DELETE CASCADE,
    CONSTRAINT fk_certificates_authority FOREIGN KEY (authority_id)
        REFERENCES certificate_authorities (id) ON DELETE SET NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The history of each certificate, ordered by id.
CREATE TABLE IF NOT EXISTS certificate_events (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    certificate_id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind VARCHAR(16) NOT NULL,
    message VARCHAR(4000) NOT NULL,
    KEY ix_certificate_events (certificate_id, id),
    CONSTRAINT fk_certificate_events_certificate FOREIGN KEY (certificate_id)
        REFERENCES certificates (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- HTTP-01 challenges that a site's edge hosts serve while an order is pending.
CREATE TABLE IF NOT EXISTS acme_challenges (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    site_id BIGINT NOT NULL,
    certificate_id BIGINT NOT NULL,
    token VARCHAR(200) NOT NULL,
    key_authorization VARCHAR(300) NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE KEY uq_acme_challenges_token (site_id, token),
    KEY ix_acme_challenges_certificate (certificate_id),
    CONSTRAINT fk_acme_challenges_site FOREIGN KEY (site_id)
        REFERENCES sites (id) ON DELETE CASCADE,
    CONSTRAINT fk_acme_challenges_certificate FOREIGN KEY (certificate_id)
        REFERENCES certificates (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- DNS records that Holdfast created, or has to remove. No other record is ever changed. `last_error` is
-- JSON.
CREATE TABLE IF NOT EXISTS dns_records (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    provider_id BIGINT NOT NULL,
    domain_id BIGINT,
    certificate_id BIGINT,
    name VARCHAR(255) NOT NULL,
    record_type VARCHAR(8) NOT NULL,
    value VARCHAR(300) NOT NULL,
    state VARCHAR(16) NOT NULL,
    next_attempt_at BIGINT,
    failures BIGINT NOT NULL,
    last_error MEDIUMTEXT,
    lease_owner VARCHAR(64),
    lease_until BIGINT,
    created_at BIGINT NOT NULL,
    UNIQUE KEY uq_dns_records (provider_id, name, record_type, value),
    KEY ix_dns_records_domain (domain_id),
    KEY ix_dns_records_certificate (certificate_id),
    CONSTRAINT fk_dns_records_provider FOREIGN KEY (provider_id)
        REFERENCES dns_providers (id) ON DELETE RESTRICT,
    CONSTRAINT fk_dns_records_domain FOREIGN KEY (domain_id)
        REFERENCES domains (id) ON DELETE SET NULL,
    CONSTRAINT fk_dns_records_certificate FOREIGN KEY (certificate_id)
        REFERENCES certificates (id) ON DELETE SET NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
