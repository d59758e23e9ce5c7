-- Whom a site's name servers ask for other names, and the addresses for machines that are no
-- containers of ours.
ALTER TABLE sites ADD COLUMN forwarders TEXT NOT NULL DEFAULT '';
ALTER TABLE sites ADD COLUMN others TEXT;
