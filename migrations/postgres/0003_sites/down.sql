DROP TRIGGER tr_sites_generation ON sites;
DROP FUNCTION holdfast_notify_site();
DROP TABLE dhcp_leases;
DROP TABLE sites;
