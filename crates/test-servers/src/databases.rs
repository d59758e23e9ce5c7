//! Temporary database servers for tests, one of each kind per test process, from the system's
//! packages.
//!
//! A shell supervises each server. Its standard input is a pipe from this process. When this
//! process ends for any reason, the shell reads the end of file, stops the server and removes its
//! directory.

use std::{
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use diesel::{
    Connection, MysqlConnection, PgConnection, RunQueryDsl as _,
    connection::SimpleConnection,
    dsl,
    sql_types::{BigInt, Text},
};

const START_TIMEOUT: Duration = Duration::from_secs(120);

const POSTGRES: &str = r#"
set -e
folder=$(mktemp -d /tmp/holdfast-postgres-XXXXXX)
echo "$folder"
exec 2>>"$folder/log"
# This collation ignores hyphens, so that tests notice if the application's own collation is not
# used.
"$1/initdb" -D "$folder/data" -U holdfast -A trust -E UTF8 --locale=C.UTF-8 \
    --locale-provider=icu --icu-locale=en-u-ka-shifted --no-sync >>"$folder/log" 2>&1 </dev/null
"$1/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= -c fsync=off \
    -c synchronous_commit=off -c full_page_writes=off -c max_connections=300 \
    -c shared_buffers=32MB >>"$folder/log" 2>&1 </dev/null &
cat >/dev/null || true
kill -QUIT $!
wait $! || true
rm -rf "$folder"
"#;

const MARIADB: &str = r#"
set -e
folder=$(mktemp -d /tmp/holdfast-mariadb-XXXXXX)
echo "$folder"
exec 2>>"$folder/log"
me=$(id -un)
mariadb-install-db --no-defaults --user="$me" --datadir="$folder/data" --skip-test-db \
    --auth-root-authentication-method=normal --innodb-log-file-size=8M \
    --innodb-flush-log-at-trx-commit=0 >>"$folder/log" 2>&1 </dev/null
mariadbd --no-defaults --user="$me" --datadir="$folder/data" --socket="$folder/socket" \
    --pid-file="$folder/pid" --skip-networking --skip-log-bin --max-connections=300 \
    --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=32M \
    --innodb-log-file-size=8M --innodb-doublewrite=0 >>"$folder/log" 2>&1 </dev/null &
cat >/dev/null || true
kill -KILL $!
wait $! || true
rm -rf "$folder"
"#;

/// A running server. Dropping the pipe in `_shell` would stop it.
pub struct Server {
    folder: PathBuf,
    _shell: Child,
}

/// Returns the PostgreSQL server of this process. Starts it at the first call.
pub fn postgres() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let bin = postgres_bin();
        // PostgreSQL refuses to run as root.
        let command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--", "sh"]);
            command
        } else {
            Command::new("sh")
        };
        let server = start(command, POSTGRES, &bin);
        server.wait(|server| PgConnection::establish(&server.postgres_url("postgres")).map(drop));
        server
    })
}

/// Returns the MariaDB server of this process. Starts it at the first call.
pub fn mariadb() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let installed = ["mariadbd", "mariadb-install-db"]
            .iter()
            .all(|name| on_path(name));
        assert!(
            installed,
            "MariaDB is not installed: install the package mariadb-server."
        );
        let server = start(Command::new("sh"), MARIADB, Path::new(""));
        server.wait(|server| MysqlConnection::establish(&server.mariadb_url("mysql")).map(drop));
        server
    })
}

impl Server {
    /// The URL of a database on the PostgreSQL server.
    pub fn postgres_url(&self, database: &str) -> String {
        format!(
            "postgresql:///{database}?host={}&user=holdfast",
            self.folder.display()
        )
    }

    /// The URL of a database on the MariaDB server.
    pub fn mariadb_url(&self, database: &str) -> String {
        let socket = self.folder.join("socket");
        format!(
            "mysql://root@localhost/{database}?unix_socket={}",
            socket.display()
        )
    }

    /// Creates an empty database on the PostgreSQL server and returns its URL.
    pub fn create_postgres(&self, database: &str) -> String {
        let mut admin = PgConnection::establish(&self.postgres_url("postgres")).unwrap();
        admin
            .batch_execute(&format!("CREATE DATABASE {database}"))
            .unwrap();
        self.postgres_url(database)
    }

    /// Runs a statement in a PostgreSQL database, given by its URL.
    pub fn execute_postgres(&self, url: &str, statement: &str) {
        let mut c = PgConnection::establish(url).unwrap();
        c.batch_execute(statement).unwrap();
    }

    /// Drops a database of the PostgreSQL server and closes its connections.
    pub fn drop_postgres(&self, database: &str) {
        let mut admin = PgConnection::establish(&self.postgres_url("postgres")).unwrap();
        admin
            .batch_execute(&format!("DROP DATABASE {database} WITH (FORCE)"))
            .unwrap();
    }

    /// The number of sessions of a PostgreSQL database whose last statement was this one.
    pub fn sessions(&self, url: &str, statement: &str) -> i64 {
        let mut connection = PgConnection::establish(url).unwrap();
        let count = "SELECT count(*) FROM pg_stat_activity \
                     WHERE datname = current_database() AND query = ";
        dsl::sql::<BigInt>(count)
            .bind::<Text, _>(statement)
            .get_result(&mut connection)
            .unwrap()
    }

    /// Creates an empty database on the MariaDB server, with a character set that differs from the
    /// application's, and returns its URL.
    pub fn create_mariadb(&self, database: &str) -> String {
        let mut admin = MysqlConnection::establish(&self.mariadb_url("mysql")).unwrap();
        let create = format!("CREATE DATABASE {database} CHARACTER SET latin1");
        admin.batch_execute(&create).unwrap();
        self.mariadb_url(database)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "tests call this on blocking threads"
    )]
    fn wait<E: std::fmt::Display>(&self, connect: impl Fn(&Self) -> Result<(), E>) {
        let start_time = Instant::now();
        while let Err(error) = connect(self) {
            if start_time.elapsed() > START_TIMEOUT {
                let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                panic!("the test database server did not start: {error}\nLog:\n{log}");
            }
            thread::sleep(Duration::from_millis(30));
        }
    }
}

fn start(mut command: Command, script: &str, argument: &Path) -> Server {
    let mut shell = command
        .args(["-c", script, "sh"])
        .arg(argument)
        .current_dir("/")
        .env("PATH", path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // Ctrl-C must stop only this process. The shell must survive it to clean up.
        .process_group(0)
        .spawn()
        .expect("sh must start");
    let mut folder = String::new();
    let stdout = shell.stdout.take().expect("stdout must be piped");
    BufReader::new(stdout)
        .read_line(&mut folder)
        .expect("the shell must print its directory");
    assert!(
        !folder.is_empty(),
        "the shell of the test database server exited immediately"
    );
    Server {
        folder: PathBuf::from(folder.trim()),
        _shell: shell,
    }
}

/// The binaries of the newest PostgreSQL from Debian's packages, or of the one in `PATH`.
fn postgres_bin() -> PathBuf {
    let version = |path: &PathBuf| -> u32 {
        path.file_name()
            .and_then(|name| name.to_str()?.parse().ok())
            .unwrap_or(0)
    };
    let installed = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let newest = installed
        .map(|entry| entry.path())
        .filter(|path| path.join("bin/initdb").exists())
        .max_by_key(version)
        .map(|path| path.join("bin"));
    let on_path = || std::env::split_paths(&path()).find(|folder| folder.join("initdb").exists());
    newest
        .or_else(on_path)
        .expect("PostgreSQL is not installed: install the package postgresql.")
}

fn on_path(program: &str) -> bool {
    std::env::split_paths(&path()).any(|folder| folder.join(program).exists())
}

/// `PATH` with `/usr/sbin`, where servers are installed.
fn path() -> std::ffi::OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/sbin");
    path
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id must run");
    id.stdout.trim_ascii() == b"0"
}
