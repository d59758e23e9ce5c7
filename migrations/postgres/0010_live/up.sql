-- What is live on an edge host, file by file, as its agent told it.
CREATE TABLE agent_files (
    agent_id BIGINT NOT NULL,
    path VARCHAR(400) COLLATE "C" NOT NULL,
    text TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (agent_id, path),
    CONSTRAINT fk_agent_files_agent FOREIGN KEY (agent_id)
        REFERENCES agents (id) ON DELETE CASCADE
);

-- The site's generation that an agent last made live.
ALTER TABLE agents ADD COLUMN applied BIGINT;

-- The site's generation at which its edge hosts had something new to know of a container or a domain.
ALTER TABLE containers ADD COLUMN generation BIGINT NOT NULL DEFAULT 0;
CREATE INDEX ix_containers_generation ON containers (site_id, generation);
ALTER TABLE domains ADD COLUMN generation BIGINT NOT NULL DEFAULT 0;
