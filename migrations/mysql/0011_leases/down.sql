DROP TABLE node_addresses;
DROP TABLE leases;
