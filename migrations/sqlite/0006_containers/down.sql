DROP TABLE services;
DROP TABLE containers;
