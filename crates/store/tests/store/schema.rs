//! The migrations of the three databases must create the same tables.

use std::collections::BTreeSet;

use diesel::{
    Connection, MysqlConnection, PgConnection, SqliteConnection, connection::SimpleConnection,
};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};

use crate::support::{Kind, TestDatabase};

const SQLITE: &str = r#"
WITH t AS (
    SELECT name FROM sqlite_master
    WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' AND name NOT LIKE '!_!_%' ESCAPE '!'
)
SELECT t.name || '.' || p.name || ' ' ||
    CASE WHEN p.pk > 0 AND p.type = 'INTEGER' THEN 'i64' WHEN p.type = 'BIGINT' THEN 'i64'
         WHEN p.type = 'INTEGER' THEN 'i32' WHEN p.type = 'BOOLEAN' THEN 'bool'
         ELSE lower(p.type) END ||
    iif(p."notnull", ' not null', '') || iif(p.pk > 0, ' key', '') AS line
FROM t, pragma_table_info(t.name) p
UNION ALL
SELECT t.name || iif(i."unique", ' unique ', ' index ') || i.name || ' (' ||
    (SELECT group_concat(name) FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno)) || ')'
FROM t, pragma_index_list(t.name) i WHERE i.origin = 'c'
UNION ALL
SELECT t.name || ' (' || group_concat(f."from") || ') to ' || f."table" || ' (' ||
    group_concat(f."to") || ') on delete ' || lower(f.on_delete)
FROM t, pragma_foreign_key_list(t.name) f GROUP BY t.name, f.id, f."table", f.on_delete
"#;

const POSTGRES: &str = r#"
SELECT (c.table_name || '.' || c.column_name || ' ' ||
    CASE c.data_type WHEN 'bigint' THEN 'i64' WHEN 'integer' THEN 'i32' WHEN 'boolean' THEN 'bool'
         WHEN 'character varying' THEN 'text' ELSE c.data_type END ||
    CASE c.is_nullable WHEN 'NO' THEN ' not null' ELSE '' END ||
    CASE WHEN EXISTS (
        SELECT 1 FROM pg_index x JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = ANY (x.indkey)
        WHERE x.indisprimary AND x.indrelid = c.table_name::regclass AND a.attname = c.column_name
    ) THEN ' key' ELSE '' END)::text AS line
FROM information_schema.columns c
WHERE c.table_schema = 'public' AND left(c.table_name, 2) <> '__'
UNION ALL
SELECT r.relname || CASE WHEN x.indisunique THEN ' unique ' ELSE ' index ' END || i.relname || ' (' || (
    SELECT string_agg(a.attname, ',' ORDER BY k.n) FROM unnest(x.indkey) WITH ORDINALITY k (attnum, n)
    JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = k.attnum
) || ')'
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class r ON r.oid = x.indrelid
JOIN pg_namespace s ON s.oid = r.relnamespace
WHERE s.nspname = 'public' AND NOT x.indisprimary AND left(r.relname, 2) <> '__'
UNION ALL
SELECT r.relname || ' (' || (
    SELECT string_agg(a.attname, ',' ORDER BY k.n) FROM unnest(f.conkey) WITH ORDINALITY k (attnum, n)
    JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.attnum
) || ') to ' || t.relname || ' (' || (
    SELECT string_agg(a.attname, ',' ORDER BY k.n) FROM unnest(f.confkey) WITH ORDINALITY k (attnum, n)
    JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.attnum
) || ') on delete ' ||
    CASE f.confdeltype WHEN 'r' THEN 'restrict' WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' ELSE '?' END
FROM pg_constraint f JOIN pg_class r ON r.oid = f.conrelid JOIN pg_class t ON t.oid = f.confrelid
WHERE f.contype = 'f'
"#;

const MARIADB: &str = r#"
SELECT CONCAT(c.table_name, '.', c.column_name, ' ',
    CASE WHEN c.column_type LIKE 'bigint%' THEN 'i64' WHEN c.column_type LIKE 'int%' THEN 'i32'
         WHEN c.column_type = 'tinyint(1)' THEN 'bool'
         WHEN c.data_type IN ('varchar', 'mediumtext') AND c.collation_name = 'utf8mb4_bin' THEN 'text'
         ELSE CONCAT(c.column_type, ' ', c.collation_name) END,
    IF(c.is_nullable = 'NO', ' not null', ''), IF(c.column_key = 'PRI', ' key', '')) AS line
FROM information_schema.columns c
WHERE c.table_schema = DATABASE() AND LEFT(c.table_name, 2) <> '__'
UNION ALL
SELECT CONCAT(s.table_name, IF(s.non_unique = 0, ' unique ', ' index '), s.index_name, ' (',
    GROUP_CONCAT(s.column_name ORDER BY s.seq_in_index SEPARATOR ','), ')')
FROM information_schema.statistics s
WHERE s.table_schema = DATABASE() AND s.index_name <> 'PRIMARY' AND LEFT(s.table_name, 2) <> '__'
GROUP BY s.table_name, s.non_unique, s.index_name
UNION ALL
SELECT CONCAT(k.table_name, ' (', GROUP_CONCAT(k.column_name ORDER BY k.ordinal_position SEPARATOR ','),
    ') to ', k.referenced_table_name, ' (',
    GROUP_CONCAT(k.referenced_column_name ORDER BY k.ordinal_position SEPARATOR ','),
    ') on delete ', LOWER(r.delete_rule))
FROM information_schema.key_column_usage k JOIN information_schema.referential_constraints r
    ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name
WHERE k.table_schema = DATABASE()
GROUP BY k.table_name, k.constraint_name, k.referenced_table_name, r.delete_rule
"#;

fn tables(database: &TestDatabase) -> BTreeSet<String> {
    let sql = match database.kind {
        Kind::Sqlite => SQLITE,
        Kind::Postgres => POSTGRES,
        Kind::Mariadb => MARIADB,
    };
    database.lines(sql).into_iter().collect()
}

pub fn folder(kind: Kind) -> std::path::PathBuf {
    let name = match kind {
        Kind::Sqlite => "sqlite",
        Kind::Postgres => "postgres",
        Kind::Mariadb => "mysql",
    };
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../migrations")
        .join(name)
}

fn migrate(database: &TestDatabase, up: bool) {
    let steps = FileBasedMigrations::from_path(folder(database.kind)).unwrap();
    macro_rules! run {
        ($connection:ty, $url:expr) => {{
            let mut c = <$connection>::establish($url).unwrap();
            if up {
                c.run_pending_migrations(steps).unwrap().len()
            } else {
                c.revert_all_migrations(steps).unwrap().len()
            }
        }};
    }
    let steps = match database.kind {
        Kind::Sqlite => run!(SqliteConnection, database.path()),
        Kind::Postgres => run!(PgConnection, &database.url),
        Kind::Mariadb => run!(MysqlConnection, &database.url),
    };
    assert!(steps > 0);
}

#[test]
fn migrations_create_the_same_tables_on_all_databases() {
    let mut all = Vec::new();
    for kind in Kind::ALL {
        let database = TestDatabase::new(kind);
        migrate(&database, true);
        let first = tables(&database);
        assert!(
            first.contains("containers.vmid i64 not null"),
            "{kind:?}: {first:#?}"
        );
        assert!(first.contains("containers unique uq_containers_vmid (cluster_id,vmid)"));
        migrate(&database, false);
        assert_eq!(
            tables(&database),
            BTreeSet::new(),
            "{kind:?} after going back"
        );
        migrate(&database, true);
        assert_eq!(tables(&database), first, "{kind:?} the second time");
        all.push(first);
    }
    for (kind, tables) in Kind::ALL.iter().zip(&all) {
        let differ: Vec<_> = all[0].symmetric_difference(tables).collect();
        assert!(
            differ.is_empty(),
            "SQLite and {kind:?} differ in {differ:#?}"
        );
    }
}

/// MySQL commits every DDL statement, so an interrupted migration is run again from its start.
#[test]
fn mysql_migrations_are_idempotent() {
    let database = TestDatabase::new(Kind::Mariadb);
    migrate(&database, true);
    let before = tables(&database);
    let mut steps: Vec<_> = std::fs::read_dir(folder(Kind::Mariadb))
        .unwrap()
        .map(|entry| entry.unwrap().path().join("up.sql"))
        .collect();
    steps.sort();
    let mut c = MysqlConnection::establish(&database.url).unwrap();
    for step in steps {
        let text = std::fs::read_to_string(&step).unwrap();
        c.batch_execute(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", step.display()));
    }
    assert_eq!(tables(&database), before);
}

#[test]
fn migrations_have_the_same_names() {
    let names = |kind: Kind| -> BTreeSet<String> {
        let steps = std::fs::read_dir(folder(kind)).unwrap();
        steps
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    let sqlite = names(Kind::Sqlite);
    assert!(!sqlite.is_empty());
    assert_eq!(sqlite, names(Kind::Postgres));
    assert_eq!(sqlite, names(Kind::Mariadb));
    for kind in Kind::ALL {
        for step in &sqlite {
            for file in ["up.sql", "down.sql"] {
                assert!(
                    folder(kind).join(step).join(file).is_file(),
                    "{kind:?} {step}/{file}"
                );
            }
        }
    }
}
