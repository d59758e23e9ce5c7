//! A house for a test: simulator, database, control, one site, and people.

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
    containers::{ContainerForm, ContainerView},
    events::{Event, Topic},
    jobs::{JobState, JobView},
    session::Me,
    sites::SiteForm,
    users::UserForm,
};
use proxmox_sim::{Config, ContainerSpec, Effect, Fault, Sim, TEST_SECRET};
use store::{SecretKey, Store};
use tempfile::TempDir;
use tokio::sync::OnceCell;

pub const NGINX: &str = "docker.io/library/nginx:1.27";
pub const DEBIAN: &str = "debian-13-standard_13.1-2_amd64.tar.zst";

/// How long something is waited for.
const WAIT: Duration = Duration::from_secs(30);
const LOGIN: &str = "root@pam!holdfast";
const KEY: &str = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=";

pub struct House {
    pub control: Control,
    pub sim: Sim,
    pub site: SiteId,
    /// The address of its database.
    pub database: String,
    _folder: Option<TempDir>,
    options: Options,
}

impl House {
    pub async fn new() -> Self {
        Self::with(Config::test()).await
    }

    pub async fn with(config: Config) -> Self {
        Self::beside(proxmox_sim::start(config).await.unwrap()).await
    }

    /// A house whose cluster is there already.
    pub async fn beside(sim: Sim) -> Self {
        Self::of(sim, options()).await
    }

    /// The same, with control at work in its own way.
    pub async fn of(sim: Sim, options: Options) -> Self {
        static MOVED_INTO: OnceCell<Vec<u8>> = OnceCell::const_new();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("test.db");
        let bytes = MOVED_INTO.get_or_init(moved_into).await;
        std::fs::write(&file, bytes).unwrap();
        Self::on(sim, sqlite(&file), Some(folder), options).await
    }

    /// A house on a database that other processes may share. They keep their turns by rounds,
    /// which a busy machine must not make them miss.
    pub async fn shared(sim: Sim) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("house{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let database = test_servers::postgres().create_postgres(&name);
        let options = Options {
            observe_every: Duration::from_secs(1),
            ..options()
        };
        Self::on(sim, database, None, options).await
    }

    async fn on(sim: Sim, database: String, folder: Option<TempDir>, options: Options) -> Self {
        let control = open(&database, options.clone()).await;
        setup::first_run(&control).await.unwrap();
        let cluster = join(&control, &sim).await;
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

    /// A second process on the same database, beside the first or after it.
    pub async fn reopen(&self) -> Control {
        open(&self.database, self.options.clone()).await
    }

    /// The cluster of its site.
    pub async fn cluster(&self) -> ClusterId {
        let site = self.site;
        let found = self
            .control
            .store()
            .read(move |c| store::sites::get(c, site));
        found.await.unwrap().unwrap().spec.cluster
    }

    /// Has its site give other ports.
    pub async fn ports(&self, ports: &str) {
        let site = self.site;
        let found = self
            .control
            .store()
            .read(move |c| store::sites::get(c, site));
        let mut spec = found.await.unwrap().unwrap().spec;
        spec.ports = ports.parse().unwrap();
        sites::update(&self.control, &Actor::System, site, spec)
            .await
            .unwrap();
    }

    /// Waits until the addresses of the cluster's nodes are known.
    pub async fn nodes_known(&self) {
        let part = || control::snapshot::Part {
            name_servers: Vec::new(),
            dhcp: false,
        };
        until("the nodes' addresses", async || {
            let site = control::snapshot::preview(&self.control, &Actor::System, self.site, part());
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

    pub async fn create(&self, form: &ContainerForm) -> Result<containers::Created, Error> {
        containers::create(&self.control, &Actor::System, form.parse().unwrap()).await
    }

    /// Makes a container and waits for it.
    pub async fn made(&self, name: &str) -> ContainerView {
        let created = self.create(&self.form(name, NGINX)).await.unwrap();
        let job = self.ended(created.job).await;
        assert_eq!(job.row.state, JobState::Done, "{job:?}");
        self.view(name).await
    }

    pub async fn view(&self, name: &str) -> ContainerView {
        let (site, name) = ("lab".parse().unwrap(), name.parse().unwrap());
        containers::get(&self.control, &Actor::System, &site, &name)
            .await
            .unwrap()
    }

    pub async fn ended(&self, id: JobId) -> JobView {
        ended(&self.control, id).await
    }

    pub async fn log(&self, id: JobId) -> String {
        let lines = jobs::log(&self.control, &Actor::System, id, 0)
            .await
            .unwrap();
        lines.into_iter().map(|line| line.text + "\n").collect()
    }

    pub fn fault(&self, method: &str, path: &str, effect: Effect) {
        self.sim.handle().inject(Fault {
            method: method.into(),
            path: path.into(),
            effect,
        });
    }

    /// Makes somebody else's container, past the API.
    pub fn add_theirs(&self, vmid: u32, node: &str) -> bool {
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

    pub async fn member(&self, name: &str, limits: UserForm) -> Actor {
        let form = UserForm {
            name: name.into(),
            mail: format!("{name}@example.org"),
            role: if limits.role.is_empty() {
                "member".into()
            } else {
                limits.role.clone()
            },
            password: "correct horse".into(),
            ..limits
        };
        let spec = form.parse().unwrap();
        let (name, role) = (spec.name.clone(), spec.role);
        let id = users::create(&self.control, &Actor::System, spec)
            .await
            .unwrap();
        Actor::Person(Me { id, name, role })
    }

    pub async fn delete(&self, id: ContainerId, name: &str) -> JobView {
        let job = containers::delete(&self.control, &Actor::System, id, name)
            .await
            .unwrap();
        self.ended(job).await
    }
}

/// How often a job is looked at on which another process may work: that tells nothing here.
const LOOK: Duration = Duration::from_millis(150);

/// Waits for the end of a job.
pub async fn ended(control: &Control, id: JobId) -> JobView {
    let deadline = Instant::now() + WAIT;
    loop {
        let change = event(control, Event::of(Topic::Job, id.0));
        let job = jobs::get(control, &Actor::System, id).await.unwrap();
        if job.row.state.ended() {
            return job;
        }
        assert!(Instant::now() < deadline, "waited in vain for {job:?}");
        let _ = tokio::time::timeout(LOOK, change).await;
    }
}

/// Waits for an event that comes after this call, and not only after the first poll.
pub fn event(control: &Control, wanted: Event) -> impl Future<Output = ()> + Send + use<> {
    let mut events = Box::pin(control.events(&Actor::System, None));
    let arrival = async move {
        while let Some((_, event)) = events.next().await {
            // Without an id it stands for all of its kind.
            if event.topic == wanted.topic && event.id.is_none_or(|id| Some(id) == wanted.id) {
                return;
            }
        }
        panic!("the process has stopped");
    };
    async move {
        let arrival = tokio::time::timeout(WAIT, arrival).await;
        assert!(arrival.is_ok(), "waited in vain for {wanted:?}");
    }
}

/// Asks until there is an answer; fails after half a minute.
pub async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + WAIT;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Makes the cluster known, with its certificate where it has one.
async fn join(control: &Control, sim: &Sim) -> ClusterId {
    let Some(fingerprint) = sim.fingerprint() else {
        let access = setup::Access {
            url: sim.url(),
            token_id: LOGIN.into(),
            secret: TEST_SECRET.into(),
        };
        return setup::cluster(control, "test", access).await.unwrap();
    };
    let form = cluster_form(sim, fingerprint);
    clusters::create(control, &Actor::System, form.parse(true).unwrap())
        .await
        .unwrap();
    let known = clusters::get(control, &Actor::System, "test").await;
    known.unwrap().view.id
}

/// The cluster as a person describes it who has confirmed this fingerprint.
pub fn cluster_form(sim: &Sim, fingerprint: String) -> ClusterForm {
    ClusterForm {
        name: "test".into(),
        url: sim.url(),
        login: LOGIN.into(),
        secret: TEST_SECRET.into(),
        fingerprint,
    }
}

/// Options for a test: a process that died is noticed soon.
pub fn options() -> Options {
    Options {
        lease: Duration::from_millis(900),
        observe_every: Duration::from_millis(300),
        patience: Duration::from_secs(20),
        manager: Some(Manager {
            origin: "http://localhost:3000".parse().unwrap(),
            certificate: None,
        }),
        ..Options::default()
    }
}

/// What every house begins with: a SQLite file with all tables and the first administrator.
async fn moved_into() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.db");
    let control = open(&sqlite(&file), options()).await;
    setup::first_run(&control).await.unwrap();
    control.shutdown(WAIT).await;
    drop(control);
    // The last connection that is closed copies the write-ahead log into the file.
    let log = folder.path().join("test.db-wal");
    let closed = async {
        while log.exists() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(WAIT, closed).await.unwrap();
    std::fs::read(file).unwrap()
}

fn sqlite(file: &Path) -> String {
    format!("sqlite:{}", file.display())
}

/// Control on the database at an address.
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
