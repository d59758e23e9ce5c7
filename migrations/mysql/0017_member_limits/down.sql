ALTER TABLE pulled_images DROP COLUMN deletion_until;
DROP TABLE domain_rate_limits;
ALTER TABLE certificates DROP COLUMN ordered_at;
