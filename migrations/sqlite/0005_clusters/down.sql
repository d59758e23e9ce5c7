DROP TABLE observations;
DROP TABLE cluster_certificates;
