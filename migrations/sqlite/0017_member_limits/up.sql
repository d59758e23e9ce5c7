-- When the first order of the certificate was counted. A certificate without it has not been ordered.
ALTER TABLE certificates ADD COLUMN ordered_at BIGINT;
UPDATE certificates SET ordered_at = created_at;

-- Orders of new certificates by registered domain: when the whole budget is available again. A missing
-- row means that the budget is unused.
CREATE TABLE domain_rate_limits (
    domain TEXT NOT NULL,
    full_at BIGINT NOT NULL,
    PRIMARY KEY (domain)
);

-- Until when one process deletes the archive, so that no container is created from it meanwhile.
ALTER TABLE pulled_images ADD COLUMN deletion_until BIGINT;
