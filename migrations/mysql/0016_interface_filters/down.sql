DROP INDEX ix_containers_filter_state ON containers;
ALTER TABLE containers DROP COLUMN filter_state;
ALTER TABLE containers DROP COLUMN interface_filters;
ALTER TABLE sites DROP COLUMN port_access;
