DROP TABLE dhcp_leases;
DROP TABLE sites;
