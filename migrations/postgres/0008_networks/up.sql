-- Whom a site's name servers ask for other names, and the addresses for machines that are no
-- containers of ours.
ALTER TABLE sites ADD COLUMN forwarders VARCHAR(160) COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE sites ADD COLUMN others VARCHAR(31) COLLATE "C";
