DROP TABLE sites;
DROP TABLE clusters;
