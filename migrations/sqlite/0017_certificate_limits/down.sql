DROP TABLE domain_rate_limits;
ALTER TABLE certificates DROP COLUMN ordered_at;
