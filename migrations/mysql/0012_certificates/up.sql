-- MySQL commits every statement by itself: each must be one that can be run again. It has no
-- `ADD COLUMN IF NOT EXISTS`, which MariaDB has, so the statement is chosen first.

-- Authorities that give certificates by ACME, and our account with each. `credentials` and
-- `binding_key` are encrypted. `account` is our account's address there.
CREATE TABLE IF NOT EXISTS authorities (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(63) NOT NULL,
    directory VARCHAR(500) NOT NULL,
    email VARCHAR(320),
    binding VARCHAR(200),
    binding_key VARCHAR(1000),
    roots MEDIUMTEXT,
    account VARCHAR(500),
    credentials VARCHAR(4000),
    created_at BIGINT NOT NULL,
    UNIQUE KEY uq_authorities_name (name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Providers of DNS. `settings` is JSON, `secret` is encrypted.
CREATE TABLE IF NOT EXISTS providers (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(63) NOT NULL,
    settings VARCHAR(2000) NOT NULL,
    secret VARCHAR(1000) NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE KEY uq_providers_name (name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- How a domain's certificates are had, where it has any, and who keeps its records: a provider of
-- DNS, which keeps the addresses of its names too when `addresses` says so.
CREATE TABLE IF NOT EXISTS domain_issuance (
    domain_id BIGINT NOT NULL,
    how VARCHAR(16) NOT NULL,
    authority_id BIGINT,
    provider_id BIGINT,
    addresses BOOLEAN NOT NULL,
    PRIMARY KEY (domain_id),
    KEY ix_domain_issuance_authority (authority_id),
    KEY ix_domain_issuance_provider (provider_id),
    CONSTRAINT fk_domain_issuance_domain FOREIGN KEY (domain_id)
        REFERENCES domains (id) ON DELETE CASCADE,
    CONSTRAINT fk_domain_issuance_authority FOREIGN KEY (authority_id)
        REFERENCES authorities (id) ON DELETE RESTRICT,
    CONSTRAINT fk_domain_issuance_provider FOREIGN KEY (provider_id)
        REFERENCES providers (id) ON DELETE RESTRICT
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Certificates that domains have or should have. `secret` is the key, encrypted; `issued` (what is
-- known of the one that there is) and `trouble` are JSON; `authority_id` is who gave that one. A server
-- that works on one has its lease.
CREATE TABLE IF NOT EXISTS certificates (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    domain_id BIGINT NOT NULL,
    subject VARCHAR(255) NOT NULL,
    source VARCHAR(16) NOT NULL,
    fingerprint VARCHAR(95),
    not_after BIGINT,
    issued MEDIUMTEXT,
    chain MEDIUMTEXT,
    secret MEDIUMTEXT,
    renew_at BIGINT,
    next_try BIGINT,
    failures BIGINT NOT NULL,
    trouble MEDIUMTEXT,
    lease_owner VARCHAR(64),
    lease_until BIGINT,
    authority_id BIGINT,
    created_at BIGINT NOT NULL,
    UNIQUE KEY uq_certificates_subject (domain_id, subject),
    KEY ix_certificates_next (next_try),
    KEY ix_certificates_authority (authority_id),
    KEY ix_certificates_fingerprint (fingerprint),
    CONSTRAINT fk_certificates_domain FOREIGN KEY (domain_id)
        REFERENCES domains (id) ON DELETE CASCADE,
    CONSTRAINT fk_certificates_authority FOREIGN KEY (authority_id)
        REFERENCES authorities (id) ON DELETE SET NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What happened to certificates.
CREATE TABLE IF NOT EXISTS certificate_history (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    certificate_id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    what VARCHAR(16) NOT NULL,
    words VARCHAR(4000) NOT NULL,
    KEY ix_certificate_history (certificate_id, id),
    CONSTRAINT fk_certificate_history_certificate FOREIGN KEY (certificate_id)
        REFERENCES certificates (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What a site's edge hosts answer authorities that ask whose a name is (HTTP-01), while they ask.
CREATE TABLE IF NOT EXISTS challenges (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    site_id BIGINT NOT NULL,
    certificate_id BIGINT NOT NULL,
    token VARCHAR(200) NOT NULL,
    answer VARCHAR(300) NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE KEY uq_challenges_token (site_id, token),
    KEY ix_challenges_certificate (certificate_id),
    CONSTRAINT fk_challenges_site FOREIGN KEY (site_id)
        REFERENCES sites (id) ON DELETE CASCADE,
    CONSTRAINT fk_challenges_certificate FOREIGN KEY (certificate_id)
        REFERENCES certificates (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Records that Holdfast keeps, or has to take away, at providers of DNS: no other is ever changed.
-- `trouble` is JSON.
CREATE TABLE IF NOT EXISTS dns_records (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    provider_id BIGINT NOT NULL,
    domain_id BIGINT,
    certificate_id BIGINT,
    name VARCHAR(255) NOT NULL,
    kind VARCHAR(8) NOT NULL,
    value VARCHAR(300) NOT NULL,
    state VARCHAR(16) NOT NULL,
    next_try BIGINT,
    failures BIGINT NOT NULL,
    trouble MEDIUMTEXT,
    lease_until BIGINT,
    created_at BIGINT NOT NULL,
    UNIQUE KEY uq_dns_records (provider_id, name, kind, value),
    KEY ix_dns_records_domain (domain_id),
    KEY ix_dns_records_certificate (certificate_id),
    CONSTRAINT fk_dns_records_provider FOREIGN KEY (provider_id)
        REFERENCES providers (id) ON DELETE RESTRICT,
    CONSTRAINT fk_dns_records_domain FOREIGN KEY (domain_id)
        REFERENCES domains (id) ON DELETE SET NULL,
    CONSTRAINT fk_dns_records_certificate FOREIGN KEY (certificate_id)
        REFERENCES certificates (id) ON DELETE SET NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Where the world outside reaches a site's edge hosts: the addresses of published names.
SET @holdfast_step = IF(
    EXISTS (
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'sites' AND column_name = 'public_v4'
    ),
    'DO 0',
    'ALTER TABLE sites
        ADD COLUMN public_v4 VARCHAR(15),
        ADD COLUMN public_v6 VARCHAR(45)'
);
PREPARE holdfast_step FROM @holdfast_step;
EXECUTE holdfast_step;
DEALLOCATE PREPARE holdfast_step;
