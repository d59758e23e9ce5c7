//! The shared test fixture: a Proxmox simulator, a database, a running control plane and one site.

use std::{
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use control::{Actor, Control, Manager, Options, clusters, containers, jobs, setup, sites, users};
use futures::StreamExt as _;
use model::{
    ClusterId, ContainerId, Error, JobId, SiteId,
    clusters::ClusterForm,
    containers::{ContainerForm, ContainerView, CreatedContainer},
    events::{Event, Topic},
    jobs::{JobState, JobView},
    session::CurrentUser,
    sites::{SiteForm, SiteSpec},
    users::UserForm,
};
use proxmox_sim::{Config, ContainerSpec, Effect, Fault, Sim, TEST_SECRET};
use store::{SecretKey, Store};
use tempfile::TempDir;
use tokio::sync::OnceCell;

pub const NGINX: &str = "docker.io/library/nginx:1.27";
pub const DEBIAN: &str = "debian-13-standard_13.1-2_amd64.tar.zst";

/// Upper bound for every wait in a test.
const TIMEOUT: Duration = Duration::from_secs(30);
const ACCOUNT: &str = "root@pam!holdfast";
const KEY: &str = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=";

pub struct TestApp {
    pub control: Control,
    pub sim: Sim,
    pub site: SiteId,
    /// The URL of the database.
    pub database: String,
    _folder: Option<TempDir>,
    options: Options,
}

impl TestApp {
    pub async fn new() -> Self {
        Self::with_config(Config::test()).await
    }

    pub async fn with_config(config: Config) -> Self {
        Self::with_sim(proxmox_sim::start(config).await.unwrap()).await
    }

    /// Uses a simulator that is already running.
    pub async fn with_sim(sim: Sim) -> Self {
        Self::with_options(sim, options()).await
    }

    /// Uses a running simulator and the given control options.
    pub async fn with_options(sim: Sim, options: Options) -> Self {
        static TEMPLATE_DATABASE: OnceCell<Vec<u8>> = OnceCell::const_new();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("test.db");
        let bytes = TEMPLATE_DATABASE
            .get_or_init(create_template_database)
            .await;
        std::fs::write(&file, bytes).unwrap();
        Self::on_database(sim, sqlite_url(&file), Some(folder), options).await
    }

    /// Uses a PostgreSQL database that several processes can share.
    ///
    /// Each poll also renews the observer lease. The longer interval keeps a slow machine from
    /// losing the lease.
    pub async fn with_postgres(sim: Sim) -> Self {
        Self::with_postgres_lease(sim, options().job_lease).await
    }

    /// As [`Self::with_postgres`], with job leases of the given length.
    pub async fn with_postgres_lease(sim: Sim, job_lease: Duration) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("app{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let database = test_servers::postgres().create_postgres(&name);
        let options = Options {
            observe_interval: Duration::from_secs(1),
            job_lease,
            ..options()
        };
        Self::on_database(sim, database, None, options).await
    }

    async fn on_database(
        sim: Sim,
        database: String,
        folder: Option<TempDir>,
        options: Options,
    ) -> Self {
        let control = open(&database, options.clone()).await;
        setup::create_first_administrator(&control).await.unwrap();
        let cluster = add_cluster(&control, &sim).await;
        let form = SiteForm {
            name: "lab".into(),
            domain: "lab.example.org".into(),
            cluster: cluster.to_string(),
            bridge: "vmbr0".into(),
            network: "10.20.0.0/16".into(),
            gateway: "10.20.0.1".into(),
            range: "10.20.1.1-10.20.1.60".into(),
            template_storage: "local".into(),
            volume_storage: "local-lvm".into(),
            vmids: "1000-1999".into(),
            ports: "2000-2009".into(),
            ..SiteForm::default()
        };
        let site = sites::create(&control, &Actor::System, form.parse().unwrap())
            .await
            .unwrap();
        Self {
            control,
            sim,
            site,
            database,
            _folder: folder,
            options,
        }
    }

    /// Starts a second control plane on the same database, concurrently or after a shutdown.
    pub async fn reopen(&self) -> Control {
        open(&self.database, self.options.clone()).await
    }

    /// Returns the ID of the site's cluster.
    pub async fn cluster(&self) -> ClusterId {
        let site = self.site;
        let row = self
            .control
            .store()
            .read(move |c| store::sites::get(c, site));
        row.await.unwrap().unwrap().spec.cluster
    }

    /// Changes the external port range of the site.
    pub async fn set_ports(&self, ports: &str) {
        self.update_site(|spec| spec.ports = ports.parse().unwrap())
            .await;
    }

    /// Changes the settings of the site.
    pub async fn update_site(&self, change: impl FnOnce(&mut SiteSpec)) {
        let site = self.site;
        let row = self
            .control
            .store()
            .read(move |c| store::sites::get(c, site));
        let mut spec = row.await.unwrap().unwrap().spec;
        change(&mut spec);
        sites::update(&self.control, &Actor::System, site, spec)
            .await
            .unwrap();
    }

    /// Waits until the observer has recorded the IP addresses of the nodes.
    pub async fn wait_for_node_addresses(&self) {
        let role = || control::site_config::EdgeRole {
            name_servers: Vec::new(),
            dhcp: false,
        };
        wait_for("node addresses", async || {
            let site =
                control::site_config::preview(&self.control, &Actor::System, self.site, role());
            let hosts = site.await.unwrap().hosts;
            hosts.iter().any(|host| host.mac.is_none()).then_some(())
        })
        .await;
    }

    pub fn form(&self, name: &str, source: &str) -> ContainerForm {
        ContainerForm {
            site: self.site.to_string(),
            name: name.into(),
            source: source.into(),
            cores: "1".into(),
            memory: "256".into(),
            disk: "4".into(),
            ..ContainerForm::default()
        }
    }

    pub async fn create(&self, form: &ContainerForm) -> Result<CreatedContainer, Error> {
        containers::create(&self.control, &Actor::System, form.parse().unwrap()).await
    }

    /// Creates a container and waits until its job is done.
    pub async fn create_and_wait(&self, name: &str) -> ContainerView {
        let created = self.create(&self.form(name, NGINX)).await.unwrap();
        let job = self.wait_for_job(created.job).await;
        assert_eq!(job.row.state, JobState::Done, "{job:?}");
        self.view(name).await
    }

    pub async fn view(&self, name: &str) -> ContainerView {
        let (site, name) = ("lab".parse().unwrap(), name.parse().unwrap());
        containers::get(&self.control, &Actor::System, &site, &name)
            .await
            .unwrap()
    }

    pub async fn wait_for_job(&self, id: JobId) -> JobView {
        wait_for_job(&self.control, id).await
    }

    pub async fn log(&self, id: JobId) -> String {
        let lines = jobs::get_log(&self.control, &Actor::System, id, 0)
            .await
            .unwrap();
        lines.into_iter().map(|line| line.text + "\n").collect()
    }

    pub fn inject_fault(&self, method: &str, path: &str, effect: Effect) {
        self.sim.handle().inject(Fault {
            method: method.into(),
            path: path.into(),
            effect,
        });
    }

    /// Adds a container that Holdfast does not manage, without an API request.
    pub fn add_unmanaged_container(&self, vmid: u32, node: &str) -> bool {
        self.sim.handle().add_container(&ContainerSpec {
            vmid,
            node: node.into(),
            hostname: "theirs".into(),
            cores: 1,
            memory: 512,
            disk: 4,
            net0: "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:AA:BB:CC,ip=dhcp".into(),
            running: false,
        })
    }

    pub async fn create_user(&self, name: &str, limits: UserForm) -> Actor {
        let form = UserForm {
            name: name.into(),
            email: format!("{name}@example.org"),
            role: if limits.role.is_empty() {
                "member".into()
            } else {
                limits.role.clone()
            },
            password: "correct horse".into(),
            ..limits
        };
        let spec = form.parse().unwrap();
        let (name, role) = (spec.values.name.clone(), spec.values.role);
        let id = users::create(&self.control, &Actor::System, spec)
            .await
            .unwrap();
        Actor::User(CurrentUser { id, name, role })
    }

    pub async fn delete(&self, id: ContainerId, name: &str) -> JobView {
        let job = containers::delete(&self.control, &Actor::System, id, name)
            .await
            .unwrap();
        self.wait_for_job(job).await
    }
}

/// Polling interval for jobs that another process may execute, since this process receives no
/// event for them.
const POLL_INTERVAL: Duration = Duration::from_millis(150);

/// Waits until a job has ended.
pub async fn wait_for_job(control: &Control, id: JobId) -> JobView {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        let change = wait_for_event(control, Event::of(Topic::Job, id.0));
        let job = jobs::get(control, &Actor::System, id).await.unwrap();
        if job.row.state.has_ended() {
            return job;
        }
        assert!(Instant::now() < deadline, "timed out waiting for {job:?}");
        let _ = tokio::time::timeout(POLL_INTERVAL, change).await;
    }
}

/// Waits for an event. The subscription starts with this call, not with the first poll.
pub fn wait_for_event(
    control: &Control,
    expected: Event,
) -> impl Future<Output = ()> + Send + use<> {
    let mut events = Box::pin(control.events(&Actor::System, None));
    let arrival = async move {
        while let Some((_, event)) = events.next().await {
            // An event without an ID concerns all objects of its topic.
            if event.topic == expected.topic && event.id.is_none_or(|id| Some(id) == expected.id) {
                return;
            }
        }
        panic!("the event stream ended");
    };
    async move {
        let arrival = tokio::time::timeout(TIMEOUT, arrival).await;
        assert!(arrival.is_ok(), "timed out waiting for {expected:?}");
    }
}

/// Polls until `poll` returns a value. Panics after [`TIMEOUT`].
pub async fn wait_for<T>(what: &str, mut poll: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        if let Some(value) = poll().await {
            return value;
        }
        assert!(Instant::now() < deadline, "timed out waiting for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Adds the cluster, pinned to its certificate if it uses TLS.
async fn add_cluster(control: &Control, sim: &Sim) -> ClusterId {
    let Some(fingerprint) = sim.fingerprint() else {
        let access = setup::Access {
            url: sim.url(),
            token_id: ACCOUNT.into(),
            secret: TEST_SECRET.into(),
        };
        return setup::upsert_cluster(control, "test", access)
            .await
            .unwrap();
    };
    let form = cluster_form(sim, fingerprint);
    clusters::create(control, &Actor::System, form.parse(true).unwrap())
        .await
        .unwrap();
    let detail = clusters::get(control, &Actor::System, "test").await;
    detail.unwrap().view.id
}

/// The cluster form with a confirmed fingerprint.
pub fn cluster_form(sim: &Sim, fingerprint: String) -> ClusterForm {
    ClusterForm {
        name: "test".into(),
        url: sim.url(),
        account: ACCOUNT.into(),
        secret: TEST_SECRET.into(),
        fingerprint,
    }
}

/// Options with a short job lease, so that jobs of a killed process are claimed soon.
pub fn options() -> Options {
    Options {
        job_lease: Duration::from_millis(900),
        observe_interval: Duration::from_millis(300),
        retry_timeout: Duration::from_secs(20),
        manager: Some(Manager {
            origin: "http://localhost:3000".parse().unwrap(),
            certificate: None,
        }),
        ..Options::default()
    }
}

/// Creates the SQLite file that every test copies: all tables and the first administrator.
async fn create_template_database() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.db");
    let control = open(&sqlite_url(&file), options()).await;
    setup::create_first_administrator(&control).await.unwrap();
    control.shutdown(TIMEOUT).await;
    drop(control);
    // Closing the last connection copies the write-ahead log into the database file.
    let log = folder.path().join("test.db-wal");
    let closed = async {
        while log.exists() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(TIMEOUT, closed).await.unwrap();
    std::fs::read(file).unwrap()
}

fn sqlite_url(file: &Path) -> String {
    format!("sqlite:{}", file.display())
}

/// Starts a control plane on the database at this URL.
pub async fn open(database: &str, options: Options) -> Control {
    let key = SecretKey::parse(KEY).unwrap();
    let store = store::Options {
        url: database.parse().unwrap(),
        key,
        pool_size: 4,
    };
    let store = Store::open(store).await.unwrap();
    Control::start(store, options).await.unwrap()
}
