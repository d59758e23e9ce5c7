ALTER TABLE domains DROP COLUMN generation;
DROP INDEX ix_containers_generation;
ALTER TABLE containers DROP COLUMN generation;
ALTER TABLE agents DROP COLUMN applied;
DROP TABLE agent_files;
