ALTER TABLE sites DROP COLUMN generation;
DROP TABLE agents;
