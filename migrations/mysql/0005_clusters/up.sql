-- MySQL commits every statement by itself: each must be one that can be run again.

-- Addresses of a cluster's nodes and the certificates that a person, or the cluster itself, vouched
-- for there. The one that a person gave is `clusters.url`; the others are asked when it is away.
CREATE TABLE IF NOT EXISTS cluster_certificates (
    cluster_id BIGINT NOT NULL,
    url VARCHAR(300) NOT NULL,
    fingerprint VARCHAR(95) NOT NULL,
    PRIMARY KEY (cluster_id, url),
    CONSTRAINT fk_cluster_certificates_cluster FOREIGN KEY (cluster_id)
        REFERENCES clusters (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Who observes a cluster for all servers. `answer` is what it last said, kept only while another
-- server wants it (`wanted_until`).
CREATE TABLE IF NOT EXISTS observations (
    cluster_id BIGINT NOT NULL,
    holder VARCHAR(64) NOT NULL,
    lease_until BIGINT NOT NULL,
    wanted_until BIGINT NOT NULL,
    answered_at BIGINT,
    answer MEDIUMTEXT,
    PRIMARY KEY (cluster_id),
    CONSTRAINT fk_observations_cluster FOREIGN KEY (cluster_id)
        REFERENCES clusters (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
