DROP TRIGGER tr_sites_generation ON sites;
DROP FUNCTION holdfast_tell_site();
DROP TABLE node_addresses;
DROP TABLE leases;
