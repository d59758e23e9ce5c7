-- Addresses of a cluster's nodes and the certificates that a person, or the cluster itself, vouched
-- for there. The one that a person gave is `clusters.url`; the others are asked when it is away.
CREATE TABLE cluster_certificates (
    cluster_id BIGINT NOT NULL,
    url TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    PRIMARY KEY (cluster_id, url),
    CONSTRAINT fk_cluster_certificates_cluster FOREIGN KEY (cluster_id)
        REFERENCES clusters (id) ON DELETE CASCADE
);

-- Who observes a cluster for all servers. `answer` is what it last said, kept only while another
-- server wants it (`wanted_until`).
CREATE TABLE observations (
    cluster_id BIGINT NOT NULL,
    holder TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    wanted_until BIGINT NOT NULL,
    answered_at BIGINT,
    answer TEXT,
    PRIMARY KEY (cluster_id),
    CONSTRAINT fk_observations_cluster FOREIGN KEY (cluster_id)
        REFERENCES clusters (id) ON DELETE CASCADE
);
