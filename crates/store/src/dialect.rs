//! The differences between SQLite, PostgreSQL and MySQL (MariaDB): connecting, the clock, ids of
//! inserted rows, transactions, constraint names in errors, and multi-row inserts. All other
//! queries are the same for the three databases. Must not use any table except `job_log`.
//!
//! An UPDATE counts the rows that its condition matches, also those whose values stay the same:
//! Diesel connects to MySQL with `CLIENT_FOUND_ROWS`.
//!
//! PostgreSQL and MySQL run at READ COMMITTED. Races between a read and a write are prevented by a
//! constraint, by a condition in the UPDATE, or by a row lock that is taken first (`lock` and
//! `lock_all` of users and sites, `clusters::lock_row`). After such a lock every statement sees all
//! earlier commits. Under REPEATABLE READ an older snapshot would hide them on MySQL and fail with
//! a serialization error on PostgreSQL.

mod unique;

use std::{
    fs, io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use diesel::{
    BoxableExpression, Connection, ConnectionError, ExpressionMethods, MysqlConnection,
    PgConnection, QueryResult, RunQueryDsl, SqliteConnection,
    connection::{AnsiTransactionManager, SimpleConnection, TransactionManager},
    dsl::sql,
    expression::SqlLiteral,
    r2d2::R2D2Connection,
    select,
    sql_types::BigInt,
};

use crate::{
    schema::job_log,
    url::{DatabaseUrl, Kind},
};

pub(crate) use unique::violated_index;

/// The timeout for the lock of the SQLite file.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a statement may run on a database server. Longer than [`LOCK_TIMEOUT`] and the retries
/// of a write, so that a statement that exceeds it is not repeated.
pub(crate) const STATEMENT_TIMEOUT: Duration = Duration::from_secs(20);

/// A connection to one of the three databases.
#[derive(diesel::MultiConnection)]
pub(crate) enum Db {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
    Mysql(MysqlConnection),
}

/// Connects and configures the session.
pub(crate) fn connect(url: &DatabaseUrl) -> Result<Db, String> {
    let connect_error = |e: ConnectionError| url.sanitize_message(&e.to_string());
    let configure =
        |result: QueryResult<()>| result.map_err(|e| url.sanitize_message(&e.to_string()));
    match &url.0 {
        Kind::Sqlite(path) => {
            create_file(path).map_err(|e| format!("{}: {e}", path.display()))?;
            let text = path.to_str().ok_or("the file's name is not UTF-8")?;
            let mut c = SqliteConnection::establish(text).map_err(connect_error)?;
            let wait = LOCK_TIMEOUT.as_millis();
            configure(c.batch_execute(&format!("PRAGMA busy_timeout = {wait}")))?;
            configure(enable_wal(&mut c))?;
            configure(c.batch_execute("PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON"))?;
            Ok(Db::Sqlite(c))
        }
        Kind::Postgres(text) => {
            let mut c = PgConnection::establish(text).map_err(connect_error)?;
            configure(c.batch_execute("SET default_transaction_isolation = 'read committed'"))?;
            Ok(Db::Postgres(c))
        }
        Kind::Mysql(text) => {
            let mut c = MysqlConnection::establish(text).map_err(connect_error)?;
            // `is_transient` and `violated_index` match English messages. Strict mode rejects a
            // text that is too long instead of truncating it.
            for statement in [
                "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
                "SET SESSION lc_messages = 'en_US'",
                "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
                "SET SESSION innodb_lock_wait_timeout = 10",
            ] {
                configure(c.batch_execute(statement))?;
            }
            Ok(Db::Mysql(c))
        }
    }
}

/// Limits the time of each statement from now on. SQLite has only the lock timeout: its statements
/// run in this process, and Diesel has no interface to interrupt them.
pub(crate) fn limit_statements(db: &mut Db) -> QueryResult<()> {
    let seconds = STATEMENT_TIMEOUT.as_secs();
    let millis = STATEMENT_TIMEOUT.as_millis();
    match db {
        Db::Sqlite(_) => Ok(()),
        Db::Postgres(c) => c.batch_execute(&format!("SET statement_timeout = {millis}")),
        Db::Mysql(c) => {
            match c.batch_execute(&format!("SET SESSION max_statement_time = {seconds}")) {
                // MySQL has another variable, which limits only SELECT.
                Err(_) => c.batch_execute(&format!("SET SESSION max_execution_time = {millis}")),
                Ok(()) => Ok(()),
            }
        }
    }
}

/// Enables WAL mode. On a new file this needs an exclusive lock, and when two connections request
/// it at the same time, one fails immediately with "database is locked" despite `busy_timeout`.
#[expect(
    clippy::disallowed_methods,
    reason = "runs on a thread for blocking work"
)]
fn enable_wal(c: &mut SqliteConnection) -> QueryResult<()> {
    let start = Instant::now();
    loop {
        match c.batch_execute("PRAGMA journal_mode = WAL") {
            Err(error) if is_transient(&error.to_string()) && start.elapsed() < LOCK_TIMEOUT => {
                thread::sleep(Duration::from_millis(5));
            }
            result => return result,
        }
    }
}

/// Creates the file with mode 0600; SQLite uses the same mode for its WAL and shared-memory files.
/// The directory must exist, so a mistyped path creates nothing.
fn create_file(path: &Path) -> io::Result<()> {
    match fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e),
        _ => Ok(()),
    }
}

/// A SQL expression for the time of the database plus `ms`, in milliseconds since 1970.
pub(crate) fn now_plus(db: &Db, ms: i64) -> SqlLiteral<BigInt> {
    let now = match db {
        Db::Sqlite(_) => "CAST(ROUND(unixepoch('subsec') * 1000) AS INTEGER)",
        Db::Postgres(_) => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
        Db::Mysql(_) => "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)",
    };
    sql(&format!("({now} + ({ms}))"))
}

/// A SQL expression for the time of the database in milliseconds since 1970.
pub(crate) fn now(db: &Db) -> SqlLiteral<BigInt> {
    now_plus(db, 0)
}

/// The id of the row that this connection inserted last.
pub(crate) fn inserted_id(db: &mut Db) -> QueryResult<i64> {
    let function = match db {
        Db::Sqlite(_) => "last_insert_rowid()",
        Db::Postgres(_) => "lastval()",
        Db::Mysql(_) => "CAST(last_insert_id() AS SIGNED)",
    };
    select(sql::<BigInt>(function)).get_result(db)
}

/// Begins a write transaction. On SQLite it takes the write lock immediately, because a
/// transaction that starts with a read cannot wait for the lock later.
pub(crate) fn begin(db: &mut Db) -> QueryResult<()> {
    match db {
        Db::Sqlite(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN IMMEDIATE"),
        Db::Postgres(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN"),
        Db::Mysql(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN"),
    }
}

pub(crate) fn commit(db: &mut Db) -> QueryResult<()> {
    match db {
        Db::Sqlite(c) => AnsiTransactionManager::commit_transaction(c),
        Db::Postgres(c) => AnsiTransactionManager::commit_transaction(c),
        Db::Mysql(c) => AnsiTransactionManager::commit_transaction(c),
    }
}

pub(crate) fn rollback(db: &mut Db) -> QueryResult<()> {
    match db {
        Db::Sqlite(c) => AnsiTransactionManager::rollback_transaction(c),
        Db::Postgres(c) => AnsiTransactionManager::rollback_transaction(c),
        Db::Mysql(c) => AnsiTransactionManager::rollback_transaction(c),
    }
}

/// Whether the connection goes over a network and can be lost while idle.
pub(crate) fn is_remote(db: &Db) -> bool {
    !matches!(db, Db::Sqlite(_))
}

/// Whether the connection is unusable.
pub(crate) fn is_broken(db: &mut Db) -> bool {
    db.is_broken() || (is_remote(db) && db.ping().is_err())
}

/// Inserts lines of a job log with one statement per 200 lines, which is below SQLite's limit of
/// bound values.
pub(crate) fn insert_log(db: &mut Db, job: i64, at: i64, lines: &[String]) -> QueryResult<()> {
    macro_rules! insert {
        ($c:expr, $chunk:expr) => {{
            let rows = $chunk.iter().map(|line| {
                (
                    job_log::job_id.eq(job),
                    job_log::at.eq(at),
                    job_log::line.eq(line),
                )
            });
            diesel::insert_into(job_log::table)
                .values(rows.collect::<Vec<_>>())
                .execute($c)?
        }};
    }
    for chunk in lines.chunks(200) {
        match db {
            Db::Sqlite(c) => insert!(c, chunk),
            Db::Postgres(c) => insert!(c, chunk),
            Db::Mysql(c) => insert!(c, chunk),
        };
    }
    Ok(())
}

diesel::define_sql_function! {
    /// The length of a text in bytes.
    fn octet_length(text: diesel::sql_types::Text) -> diesel::sql_types::Integer;
}

diesel::define_sql_function! {
    /// Converts to lower case; on SQLite only ASCII letters.
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

/// The LIKE pattern that matches `q` anywhere, for [`lower()`] columns with `escape('!')`.
pub(crate) fn like_pattern(q: &str) -> String {
    let mut pattern = String::from("%");
    for c in q.trim().chars().flat_map(char::to_lowercase) {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// A boxed condition on the rows of `Q`.
pub(crate) type Condition<'a, Q> =
    Box<dyn BoxableExpression<Q, MultiBackend, SqlType = diesel::sql_types::Bool> + 'a>;

/// Whether the transaction may succeed when it is run again. Used for errors that the drivers do
/// not distinguish by a code.
pub(crate) fn is_transient(message: &str) -> bool {
    const TRANSIENT: [&str; 13] = [
        // SQLite
        "database is locked",
        "database table is locked",
        // PostgreSQL
        "deadlock detected",
        "could not obtain lock",
        "canceling statement due to lock timeout",
        "server closed the connection",
        "terminating connection",
        "no connection to the server",
        // MariaDB and MySQL
        "try restarting transaction",
        "Record has changed since last read",
        "has gone away",
        "Connection was killed",
        "Lost connection to",
    ];
    TRANSIENT.iter().any(|text| message.contains(text))
}

/// Whether the server canceled a statement because of [`limit_statements`].
pub(crate) fn is_statement_timeout(message: &str) -> bool {
    const TIMEOUTS: [&str; 3] = [
        // PostgreSQL
        "canceling statement due to statement timeout",
        // MariaDB
        "max_statement_time exceeded",
        // MySQL
        "maximum statement execution time exceeded",
    ];
    TIMEOUTS.iter().any(|text| message.contains(text))
}

/// Whether an error of unknown kind is a foreign key violation: SQLite implements
/// `ON DELETE RESTRICT` as a trigger and reports the error code of a trigger.
pub(crate) fn is_foreign_key_violation(message: &str) -> bool {
    message == "FOREIGN KEY constraint failed"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_pattern_escapes_wildcards() {
        assert_eq!(like_pattern(" Wéb_1%!x "), "%wéb!_1!%!!x%");
        assert_eq!(like_pattern(""), "%%");
    }

    #[test]
    fn new_file_opens_concurrently() {
        for _ in 0..50 {
            let folder = tempfile::tempdir().unwrap();
            let url: DatabaseUrl = format!("sqlite:{}/new.db", folder.path().display())
                .parse()
                .unwrap();
            let barrier = std::sync::Barrier::new(8);
            std::thread::scope(|scope| {
                let open = || {
                    barrier.wait();
                    connect(&url).map(drop)
                };
                let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
                for thread in threads {
                    assert_eq!(thread.join().unwrap(), Ok(()));
                }
            });
        }
    }
}
