DROP TABLE IF EXISTS node_addresses;
DROP TABLE IF EXISTS cluster_observations;
DROP TABLE IF EXISTS cluster_certificates;
DROP TABLE IF EXISTS clusters;
