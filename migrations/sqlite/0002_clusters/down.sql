DROP TABLE node_addresses;
DROP TABLE cluster_observations;
DROP TABLE cluster_certificates;
DROP TABLE clusters;
