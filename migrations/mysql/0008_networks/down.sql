ALTER TABLE sites DROP COLUMN others, DROP COLUMN forwarders;
