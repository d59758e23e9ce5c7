-- Who reaches the ports of containers directly.
ALTER TABLE sites ADD COLUMN port_access TEXT NOT NULL DEFAULT 'network';

-- `interface_filters` is whether Holdfast sets the filters of Proxmox's firewall on the container's
-- interface, and `filter_state` is whether they are set. Imported containers are not filtered unless a
-- user turns filters on.
ALTER TABLE containers ADD COLUMN interface_filters BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE containers ADD COLUMN filter_state TEXT NOT NULL DEFAULT 'unset';
CREATE INDEX ix_containers_filter_state ON containers (filter_state);
UPDATE containers SET interface_filters = FALSE WHERE source = 'imported';
