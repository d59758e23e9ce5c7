-- MySQL commits after each statement, so every statement must be repeatable.

-- Who reaches the ports of containers directly.
SET @statement = IF(
    EXISTS (
        SELECT * FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'sites' AND column_name = 'port_access'
    ),
    'DO 0',
    'ALTER TABLE sites ADD COLUMN port_access VARCHAR(16) NOT NULL DEFAULT ''network'''
);
PREPARE change_table FROM @statement;
EXECUTE change_table;
DEALLOCATE PREPARE change_table;

-- `interface_filters` is whether Holdfast sets the filters of Proxmox's firewall on the container's
-- interface, and `filter_state` is whether they are set. Imported containers are not filtered unless a
-- user turns filters on.
SET @statement = IF(
    EXISTS (
        SELECT * FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'containers' AND column_name = 'interface_filters'
    ),
    'DO 0',
    'ALTER TABLE containers ADD COLUMN interface_filters BOOLEAN NOT NULL DEFAULT TRUE'
);
PREPARE change_table FROM @statement;
EXECUTE change_table;
DEALLOCATE PREPARE change_table;
SET @statement = IF(
    EXISTS (
        SELECT * FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'containers' AND column_name = 'filter_state'
    ),
    'DO 0',
    'ALTER TABLE containers ADD COLUMN filter_state VARCHAR(16) NOT NULL DEFAULT ''unset'''
);
PREPARE change_table FROM @statement;
EXECUTE change_table;
DEALLOCATE PREPARE change_table;
SET @statement = IF(
    EXISTS (
        SELECT * FROM information_schema.statistics
        WHERE table_schema = DATABASE() AND table_name = 'containers' AND index_name = 'ix_containers_filter_state'
    ),
    'DO 0',
    'CREATE INDEX ix_containers_filter_state ON containers (filter_state)'
);
PREPARE change_table FROM @statement;
EXECUTE change_table;
DEALLOCATE PREPARE change_table;
UPDATE containers SET interface_filters = FALSE WHERE source = 'imported';
