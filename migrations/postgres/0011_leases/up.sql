-- Addresses that edge hosts have lent, as their dnsmasq tells: of containers of ours and of other
-- machines. `expires_at` is none for an address that is lent for ever.
CREATE TABLE leases (
    site_id BIGINT NOT NULL,
    address VARCHAR(15) COLLATE "C" NOT NULL,
    mac VARCHAR(17) COLLATE "C" NOT NULL,
    name VARCHAR(63) COLLATE "C",
    expires_at BIGINT,
    PRIMARY KEY (site_id, address),
    CONSTRAINT fk_leases_site FOREIGN KEY (site_id)
        REFERENCES sites (id) ON DELETE CASCADE
);
CREATE INDEX ix_leases_mac ON leases (site_id, mac);

-- The nodes' addresses within their clusters, as the clusters told last: their names are answered in
-- the network of each site, whether the cluster answers or not.
CREATE TABLE node_addresses (
    cluster_id BIGINT NOT NULL,
    node VARCHAR(63) COLLATE "C" NOT NULL,
    address VARCHAR(15) COLLATE "C" NOT NULL,
    PRIMARY KEY (cluster_id, node),
    CONSTRAINT fk_node_addresses_cluster FOREIGN KEY (cluster_id)
        REFERENCES clusters (id) ON DELETE CASCADE
);

-- Servers that share the database hear of what is new for a site's edge hosts as it is committed.
CREATE FUNCTION holdfast_tell_site() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('holdfast_sites', NEW.id::text);
    RETURN NULL;
END
$$;
CREATE TRIGGER tr_sites_generation AFTER UPDATE OF generation ON sites
    FOR EACH ROW WHEN (OLD.generation IS DISTINCT FROM NEW.generation)
    EXECUTE FUNCTION holdfast_tell_site();
