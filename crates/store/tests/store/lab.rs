//! An empty database of any kind, and the few rows that most tests want.

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
    clusters::ApiUrl,
    containers::ContainerSpec,
    domains::{DomainSpec, Hsts, Publishers},
    jobs::JobKind,
    publish::HttpOptions,
    services::TcpOptions,
    sites::SiteSpec,
    users::{Limits, Role},
};
use store::{
    Conn, Error, Options, SecretKey, Store,
    clusters::{Access, Certificates},
    containers::{Given, GivenService, NewRecord},
    jobs::NewJob,
    users::NewUser,
};

use test_servers as server;

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

/// An empty database of its own; a SQLite one goes with its folder.
pub struct Place {
    pub kind: Kind,
    pub url: String,
    _folder: Option<tempfile::TempDir>,
}

impl Place {
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

    /// Runs SQL beside the store; the column `line` of its rows.
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

    /// Runs SQL beside the store.
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

    /// Cuts all other connections to the database, as a restart of its server would.
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
pub struct Lab {
    pub place: Place,
    pub store: Store,
}

/// Runs a test's body on an empty database of a kind.
pub fn run<F: Future<Output = ()>>(kind: Kind, body: impl FnOnce(Lab) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let place = Place::new(kind);
        let store = place.open(&SecretKey::generate().unwrap()).await.unwrap();
        body(Lab { place, store }).await;
    });
}

/// One test body, three tests: on SQLite, PostgreSQL and MariaDB.
#[macro_export]
macro_rules! db_test {
    ($name:ident, |$lab:ident| async $body:block) => {
        mod $name {
            #[allow(unused_imports, reason = "not every body needs what its module imports")]
            use super::*;

            async fn body($lab: $crate::lab::Lab) $body

            #[test]
            fn sqlite() {
                $crate::lab::run($crate::lab::Kind::Sqlite, body);
            }

            #[test]
            fn postgres() {
                $crate::lab::run($crate::lab::Kind::Postgres, body);
            }

            #[test]
            fn mariadb() {
                $crate::lab::run($crate::lab::Kind::Mariadb, body);
            }
        }
    };
}

/// Parses a value that is right.
pub fn v<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().unwrap()
}

pub fn new_user(name: &str, role: Role) -> NewUser {
    NewUser {
        name: v(name),
        mail: v(&format!("{name}@example.org")),
        role,
        limits: Limits::default(),
        password_hash: format!("hash of {name}"),
    }
}

/// A cluster's access with a certificate at its address.
pub fn access(name: &str) -> Access {
    let url = "https://pve1.example.org:8006".parse::<ApiUrl>().unwrap();
    Access {
        name: name.to_owned(),
        certificates: Certificates::from([(url.clone(), "ab".repeat(32).parse().unwrap())]),
        url,
        login: "root@pam!holdfast".parse().unwrap(),
        secret: "geheim".to_owned(),
    }
}

pub fn site_spec(name: &str, cluster: ClusterId) -> SiteSpec {
    SiteSpec {
        name: v(name),
        domain: v(&format!("{name}.example.org")),
        cluster,
        bridge: v("vmbr0"),
        network: v("10.20.0.0/16"),
        gateway: v("10.20.0.1"),
        range: v("10.20.0.100-10.20.1.99"),
        template_storage: v("local"),
        volume_storage: v("local-lvm"),
        vmids: v("1000-1999"),
        ports: v("2000-2999"),
        forwarders: Default::default(),
        others: None,
        public_v4: None,
        public_v6: None,
    }
}

pub fn spec() -> ContainerSpec {
    ContainerSpec {
        source: v("debian-12-standard_12.7-1_amd64.tar.zst"),
        cores: v("2"),
        memory: v("512"),
        disk: v("8"),
        docker: false,
        env: v(""),
        entrypoint: None,
        description: None,
        services: Vec::new(),
    }
}

/// A person, a cluster and a site.
#[derive(Clone, Copy)]
pub struct Ground {
    pub owner: UserId,
    pub cluster: ClusterId,
    pub site: SiteId,
    pub domain: DomainId,
}

impl Ground {
    /// The `n`th container of this site; each `n` differs in all that must be unique.
    pub fn container(&self, n: u32) -> NewRecord {
        NewRecord {
            site: self.site,
            cluster: self.cluster,
            owner: self.owner,
            name: v(&format!("c{n:03}")),
            spec: spec(),
            services: Vec::new(),
            node: v("pve1"),
            vmid: 1000 + n,
            mac: v(&format!("BC:24:11:00:{:02X}:{:02X}", n / 256, n % 256)),
            address: Ipv4Addr::from_bits(Ipv4Addr::new(10, 20, 0, 100).to_bits() + n),
        }
    }

    pub fn job(&self, container: ContainerId, kind: JobKind) -> NewJob {
        NewJob {
            kind,
            container,
            container_name: v("web"),
            site: self.site,
            site_name: v("lab"),
            owner: self.owner,
            actor: Some((self.owner, v("ann"))),
            args: "{}".to_owned(),
            steps: vec![
                ("find".to_owned(), "Find the template".to_owned()),
                ("make".to_owned(), "Create the container".to_owned()),
            ],
        }
    }
}

impl Lab {
    /// Runs a write that must work.
    pub async fn w<T: Send + 'static>(
        &self,
        f: impl Fn(&mut Conn) -> Result<T, Error> + Send + 'static,
    ) -> T {
        self.store.write(f).await.unwrap()
    }

    /// Runs a read that must work.
    pub async fn r<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Conn) -> Result<T, Error> + Send + 'static,
    ) -> T {
        self.store.read(f).await.unwrap()
    }

    /// Runs a read that must work, and counts its statements.
    pub async fn counted<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Conn) -> Result<T, Error> + Send + 'static,
    ) -> (u64, T) {
        // The first connection of a pool may still have to be set up.
        self.store.ping().await.unwrap();
        let before = self.store.statements();
        let value = self.r(f).await;
        (self.store.statements() - before, value)
    }

    pub async fn user(&self, name: &str) -> UserId {
        let new = new_user(name, Role::Member);
        self.w(move |c| store::users::insert(c, &new)).await
    }

    pub async fn cluster(&self, name: &str) -> ClusterId {
        let key = self.store.key().clone();
        let new = access(name);
        self.w(move |c| store::clusters::insert(c, &key, &new))
            .await
    }

    pub async fn site(&self, name: &str, cluster: ClusterId) -> SiteId {
        let spec = site_spec(name, cluster);
        self.w(move |c| store::sites::insert(c, &spec)).await
    }

    pub async fn domain(&self, name: &str, site: SiteId) -> DomainId {
        let spec = DomainSpec {
            site,
            name: v(name),
            sign_in: None,
            hsts: Hsts::Off,
            publishers: Publishers::Everybody,
            issuance: Default::default(),
            provider: None,
            addresses: false,
        };
        self.w(move |c| store::domains::insert(c, &spec)).await
    }

    /// The person `ann`, the cluster `demo` and its site `lab` with the domain `example.org`.
    pub async fn ground(&self) -> Ground {
        let owner = self.user("ann").await;
        let cluster = self.cluster("demo").await;
        let site = self.site("lab", cluster).await;
        let domain = self.domain("example.org", site).await;
        Ground {
            owner,
            cluster,
            site,
            domain,
        }
    }

    pub async fn put(&self, new: NewRecord) -> ContainerId {
        self.w(move |c| store::containers::insert(c, &new)).await
    }

    pub async fn try_put(&self, new: NewRecord) -> Result<ContainerId, Error> {
        self.store
            .write(move |c| store::containers::insert(c, &new))
            .await
    }

    pub async fn queue(&self, new: NewJob) -> JobId {
        self.w(move |c| store::jobs::insert(c, &new)).await
    }
}

pub fn http(domain: DomainId, port: &str, label: &str) -> GivenService {
    GivenService {
        port: v(port),
        given: Given::Http {
            label: v(label),
            domain,
            options: HttpOptions::default(),
        },
    }
}

pub fn tcp(port: &str, external: &str) -> GivenService {
    GivenService {
        port: v(port),
        given: Given::Tcp {
            external: v(external),
            options: TcpOptions::default(),
            tls: None,
        },
    }
}
