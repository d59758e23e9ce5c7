ALTER TABLE sites DROP COLUMN others;
ALTER TABLE sites DROP COLUMN forwarders;
