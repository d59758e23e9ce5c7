//! Runs the migrations of `migrations/`, which exist for each of the three databases. Refuses a
//! database that a newer version has migrated.

use diesel::{Connection, RunQueryDsl, connection::SimpleConnection, dsl::sql, select, sql_types};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::dialect::Db;

const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");
const MYSQL: EmbeddedMigrations = embed_migrations!("../../migrations/mysql");

/// An advisory lock with an arbitrary number that no other program is likely to use.
const POSTGRES_LOCK: &str = "SELECT pg_advisory_xact_lock(4848704920261121)";

/// Why the migrations did not run.
pub(crate) enum MigrationError {
    /// The database has a migration that this version does not have.
    Newer(String),
    Failed(String),
}

impl From<diesel::result::Error> for MigrationError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Runs the pending migrations. A lock lets one process at a time do this; the others wait and
/// then find no pending migrations.
pub(crate) fn run(db: &mut Db) -> Result<(), MigrationError> {
    match db {
        Db::Sqlite(c) => c.immediate_transaction(|c| run_pending(c, SQLITE)),
        Db::Postgres(c) => c.transaction(|c| {
            c.batch_execute(POSTGRES_LOCK)?;
            run_pending(c, POSTGRES)
        }),
        Db::Mysql(c) => {
            // MySQL commits implicitly after each DDL statement, so a named lock replaces the
            // transaction.
            let lock = sql::<sql_types::Nullable<sql_types::BigInt>>(
                "GET_LOCK(CONCAT('holdfast:', DATABASE()), 60)",
            );
            if select(lock).get_result::<Option<i64>>(c)? != Some(1) {
                let reason = "another process has held the migration lock for a minute";
                return Err(MigrationError::Failed(reason.to_owned()));
            }
            let result = run_pending(c, MYSQL);
            c.batch_execute("DO RELEASE_LOCK(CONCAT('holdfast:', DATABASE()))")?;
            result
        }
    }
}

fn run_pending<C, B>(c: &mut C, migrations: EmbeddedMigrations) -> Result<(), MigrationError>
where
    C: MigrationHarness<B>,
    B: diesel::backend::Backend,
{
    use diesel::migration::MigrationSource;
    let failed =
        |e: Box<dyn std::error::Error + Send + Sync>| MigrationError::Failed(e.to_string());
    let available = MigrationSource::<B>::migrations(&migrations).map_err(failed)?;
    for version in c.applied_migrations().map_err(failed)? {
        if !available
            .iter()
            .any(|migration| migration.name().version() == version)
        {
            return Err(MigrationError::Newer(version.to_string()));
        }
    }
    c.run_pending_migrations(migrations)
        .map(drop)
        .map_err(failed)
}
