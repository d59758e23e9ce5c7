//! Test fixtures: an empty database of each kind, and the rows that most tests need.

mod values;

use std::{
    net::Ipv4Addr,
    sync::atomic::{AtomicU32, Ordering},
};

use diesel::{
    Connection, MysqlConnection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection,
    sql_query, sql_types::Text,
};
use model::{
    ClusterId, ContainerId, DomainId, JobId, SiteId, UserId,
    domains::{DomainSpec, Hsts, Publishers},
    jobs::JobKind,
    permissions::{Action, Permit},
    users::Role,
};
use store::{
    Conn, Error, Options, SecretKey, Store,
    containers::{BoundService, NewContainerRow, ServiceAllocation},
    jobs::NewJob,
};

pub use values::{access, http, new_user, parse, site_spec, spec, tcp, user_values};

use test_servers as server;

/// The permit for any action.
#[expect(clippy::disallowed_methods, reason = "the store has no actors")]
pub fn permit<A: Action>() -> Permit<A> {
    Permit::check(Role::Administrator, true).unwrap()
}

/// A kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
    Mariadb,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Sqlite, Self::Postgres, Self::Mariadb];
}

/// An empty database for one test; the directory of a SQLite file is deleted on drop.
pub struct TestDatabase {
    pub kind: Kind,
    pub url: String,
    _folder: Option<tempfile::TempDir>,
}

impl TestDatabase {
    pub fn new(kind: Kind) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed));
        match kind {
            Kind::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let url = format!("sqlite:{}/test.db", folder.path().display());
                Self {
                    kind,
                    url,
                    _folder: Some(folder),
                }
            }
            Kind::Postgres => {
                let url = server::postgres().create_postgres(&name);
                Self {
                    kind,
                    url,
                    _folder: None,
                }
            }
            Kind::Mariadb => {
                let url = server::mariadb().create_mariadb(&name);
                Self {
                    kind,
                    url,
                    _folder: None,
                }
            }
        }
    }

    /// The path of a SQLite database.
    pub fn path(&self) -> &str {
        self.url.strip_prefix("sqlite:").expect("a SQLite database")
    }

    /// Runs a query outside the store and returns the column `line` of its rows.
    pub fn lines(&self, sql: &str) -> Vec<String> {
        #[derive(QueryableByName)]
        struct Line {
            #[diesel(sql_type = Text)]
            line: String,
        }
        macro_rules! load {
            ($connection:ty, $url:expr) => {{
                let mut c = <$connection>::establish($url).unwrap();
                sql_query(sql).load::<Line>(&mut c).unwrap()
            }};
        }
        let rows = match self.kind {
            Kind::Sqlite => load!(SqliteConnection, self.path()),
            Kind::Postgres => load!(PgConnection, &self.url),
            Kind::Mariadb => load!(MysqlConnection, &self.url),
        };
        rows.into_iter().map(|row| row.line).collect()
    }

    /// Runs a statement outside the store.
    pub fn execute(&self, sql: &str) {
        macro_rules! execute {
            ($connection:ty, $url:expr) => {{
                let mut c = <$connection>::establish($url).unwrap();
                sql_query(sql).execute(&mut c).unwrap()
            }};
        }
        match self.kind {
            Kind::Sqlite => execute!(SqliteConnection, self.path()),
            Kind::Postgres => execute!(PgConnection, &self.url),
            Kind::Mariadb => execute!(MysqlConnection, &self.url),
        };
    }

    /// Terminates all other connections to the database, as a restart of its server does.
    pub fn cut_others(&self) {
        match self.kind {
            Kind::Sqlite => {}
            Kind::Postgres => {
                let cut = self.lines(
                    "SELECT pg_terminate_backend(pid)::text AS line FROM pg_stat_activity \
                     WHERE datname = current_database() AND pid <> pg_backend_pid()",
                );
                assert!(
                    cut.len() >= 8 && cut.iter().all(|done| done == "true"),
                    "{cut:?}"
                );
            }
            Kind::Mariadb => {
                let others = self.lines(
                    "SELECT CONCAT('KILL ', id) AS line FROM information_schema.processlist \
                     WHERE db = DATABASE() AND id <> CONNECTION_ID()",
                );
                assert!(others.len() >= 8, "{others:?}");
                others.iter().for_each(|kill| self.execute(kill));
            }
        }
    }

    pub async fn open(&self, key: &SecretKey) -> Result<Store, store::OpenError> {
        let url = self.url.parse().unwrap();
        Store::open(Options {
            url,
            key: key.clone(),
            pool_size: 8,
        })
        .await
    }
}

/// An open store on an empty database.
pub struct TestStore {
    pub database: TestDatabase,
    pub store: Store,
}

/// Runs the body of a test on an empty database of a kind.
pub fn run<F: Future<Output = ()>>(kind: Kind, body: impl FnOnce(TestStore) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let database = TestDatabase::new(kind);
        let store = database
            .open(&SecretKey::generate().unwrap())
            .await
            .unwrap();
        body(TestStore { database, store }).await;
    });
}

/// Defines three tests with one body: on SQLite, PostgreSQL and MariaDB.
#[macro_export]
macro_rules! db_test {
    ($name:ident, |$db:ident| async $body:block) => {
        mod $name {
            #[allow(unused_imports, reason = "not every body needs what its module imports")]
            use super::*;

            async fn body($db: $crate::support::TestStore) $body

            #[test]
            fn sqlite() {
                $crate::support::run($crate::support::Kind::Sqlite, body);
            }

            #[test]
            fn postgres() {
                $crate::support::run($crate::support::Kind::Postgres, body);
            }

            #[test]
            fn mariadb() {
                $crate::support::run($crate::support::Kind::Mariadb, body);
            }
        }
    };
}

/// A user, a cluster, a site and a domain.
#[derive(Clone, Copy)]
pub struct Fixture {
    pub owner: UserId,
    pub cluster: ClusterId,
    pub site: SiteId,
    pub domain: DomainId,
}

/// Services whose names are not claimed.
pub fn allocation(bindings: &[BoundService]) -> ServiceAllocation {
    ServiceAllocation {
        bindings: bindings.to_vec(),
        ..ServiceAllocation::default()
    }
}

impl Fixture {
    /// The `n`th container of the site; all unique values depend on `n`.
    pub fn container(&self, n: u32) -> NewContainerRow {
        NewContainerRow {
            site: self.site,
            cluster: self.cluster,
            owner: self.owner,
            name: parse(&format!("c{n:03}")),
            spec: spec(),
            services: Vec::new(),
            names: Default::default(),
            node: parse("pve1"),
            vmid: 1000 + n,
            mac: parse(&format!("BC:24:11:00:{:02X}:{:02X}", n / 256, n % 256)),
            address: Ipv4Addr::from_bits(Ipv4Addr::new(10, 20, 0, 100).to_bits() + n),
        }
    }

    pub fn job(&self, container: ContainerId, kind: JobKind) -> NewJob {
        NewJob {
            kind,
            container,
            container_name: parse("web"),
            site: self.site,
            site_name: parse("lab"),
            owner: self.owner,
            actor: Some((self.owner, parse("ann"))),
            args: "{}".to_owned(),
            steps: vec![
                ("find".to_owned(), "Check template".to_owned()),
                ("create".to_owned(), "Create container".to_owned()),
            ],
        }
    }
}

impl TestStore {
    /// Runs a write; panics on an error.
    pub async fn write<T: Send + 'static>(
        &self,
        f: impl Fn(&mut Conn) -> Result<T, Error> + Send + 'static,
    ) -> T {
        self.store.write(f).await.unwrap()
    }

    /// Runs a read; panics on an error.
    pub async fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Conn) -> Result<T, Error> + Send + 'static,
    ) -> T {
        self.store.read(f).await.unwrap()
    }

    /// Runs a read and counts its statements; panics on an error.
    pub async fn count_statements<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Conn) -> Result<T, Error> + Send + 'static,
    ) -> (u64, T) {
        // The first connection of the pool may still have to be opened.
        self.store.ping().await.unwrap();
        let before = self.store.statement_count();
        let value = self.read(f).await;
        (self.store.statement_count() - before, value)
    }

    pub async fn user(&self, name: &str) -> UserId {
        let new = new_user(name, Role::Member);
        self.write(move |c| store::users::insert(c, permit(), &new))
            .await
    }

    pub async fn cluster(&self, name: &str) -> ClusterId {
        let key = self.store.secret_key().clone();
        let new = access(name);
        self.write(move |c| store::clusters::insert(c, permit(), &key, &new))
            .await
    }

    pub async fn site(&self, name: &str, cluster: ClusterId) -> SiteId {
        let spec = site_spec(name, cluster);
        self.write(move |c| store::sites::insert(c, permit(), &spec))
            .await
    }

    pub async fn domain(&self, name: &str, site: SiteId) -> DomainId {
        let spec = DomainSpec {
            site,
            name: parse(name),
            sign_in: None,
            forwards_access_token: false,
            hsts: Hsts::Off,
            publishers: Publishers::AllUsers,
            certificate_source: Default::default(),
            provider: None,
            addresses: false,
        };
        self.write(move |c| store::domains::insert(c, permit(), &spec))
            .await
    }

    /// Inserts the user `ann`, the cluster `demo`, its site `lab` and the domain `example.org`.
    pub async fn fixture(&self) -> Fixture {
        let owner = self.user("ann").await;
        let cluster = self.cluster("demo").await;
        let site = self.site("lab", cluster).await;
        let domain = self.domain("example.org", site).await;
        Fixture {
            owner,
            cluster,
            site,
            domain,
        }
    }

    pub async fn insert_container(&self, new: NewContainerRow) -> ContainerId {
        self.write(move |c| store::containers::insert(c, permit(), &new))
            .await
    }

    pub async fn try_insert_container(&self, new: NewContainerRow) -> Result<ContainerId, Error> {
        self.store
            .write(move |c| store::containers::insert(c, permit(), &new))
            .await
    }

    pub async fn insert_job(&self, new: NewJob) -> JobId {
        self.write(move |c| store::jobs::insert(c, permit(), &new))
            .await
    }
}
