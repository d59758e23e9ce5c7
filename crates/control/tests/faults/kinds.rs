//! The tested kinds of job: their preconditions, how they are submitted and their expected result.

use std::{fmt, time::Duration};

use control::{Actor, Options, Timeouts, containers, filters, jobs};
use model::{
    JobId,
    containers::{ContainerForm, EditContainer, Power},
    filters::PortAccess,
    jobs::{JobKind, JobQuery, JobState, JobView},
    permissions::SiteManage,
    sites::SiteSpec,
};
use proxmox_sim::{ContainerView, Effect};
use store::containers::ContainerRecord;

use crate::{
    consistency::ActualState,
    test_app::{self, DEBIAN, NGINX, TestApp},
};

const NAME: &str = "web";

/// Retry timeout of a step in cases whose fault persists.
pub const SHORT_RETRY_TIMEOUT: Duration = Duration::from_millis(1500);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    FromImage,
    FromTemplate,
    /// A creation that is rolled back because the container does not start.
    RolledBack,
    Start,
    Stop,
    Restart,
    Edit,
    EditWithRestart,
    Delete,
    /// Opens the ports of a container.
    Filters,
}

impl Kind {
    pub const ALL: [Self; 10] = [
        Self::FromImage,
        Self::FromTemplate,
        Self::RolledBack,
        Self::Start,
        Self::Stop,
        Self::Restart,
        Self::Edit,
        Self::EditWithRestart,
        Self::Delete,
        Self::Filters,
    ];

    /// Returns whether the job creates the container instead of needing an existing one.
    pub fn creates(self) -> bool {
        matches!(
            self,
            Self::FromImage | Self::FromTemplate | Self::RolledBack
        )
    }

    /// The state in which the job ends without faults.
    pub fn end(self) -> JobState {
        match self {
            Self::RolledBack => JobState::Failed,
            _ => JobState::Done,
        }
    }

    /// Whether the container runs after the job, or `None` if it is deleted.
    pub fn runs(self) -> Option<bool> {
        match self {
            Self::Stop => Some(false),
            Self::Delete => None,
            _ => Some(true),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// A test app with the preconditions for one kind of job.
pub struct Scenario {
    pub kind: Kind,
    pub app: TestApp,
    /// Unmanaged containers, which must not change.
    pub unmanaged: Vec<ContainerView>,
    /// What finished jobs reported as left behind.
    pub leftovers: Vec<String>,
    /// Whether a node was restarted.
    pub restarted: bool,
}

impl Scenario {
    pub async fn new(kind: Kind, app: TestApp) -> Self {
        for (vmid, node) in [(900, "pve1"), (1001, "pve2")] {
            assert!(app.add_unmanaged_container(vmid, node));
        }
        let unmanaged = app.sim.handle().containers();
        if kind == Kind::Filters {
            app.update_site(|site| site.port_access = PortAccess::Edge)
                .await;
        }
        if !kind.creates() {
            app.create_and_wait(NAME).await;
        }
        if kind == Kind::Start {
            let record = record(&app).await.unwrap();
            let job = power(&app, record, Power::Stop).await;
            assert_eq!(app.wait_for_job(job).await.row.state, JobState::Done);
        }
        Self {
            kind,
            app,
            unmanaged,
            leftovers: Vec::new(),
            restarted: false,
        }
    }

    /// Submits the job.
    pub async fn submit(&self) -> JobId {
        let app = &self.app;
        if self.kind.creates() {
            return self.create().await;
        }
        let record = record(app).await.unwrap();
        match self.kind {
            Kind::Start => power(app, record, Power::Start).await,
            Kind::Stop => power(app, record, Power::Stop).await,
            Kind::Restart => power(app, record, Power::Restart).await,
            Kind::Edit | Kind::EditWithRestart => self.edit(record).await,
            Kind::Filters => self.open_ports().await,
            _ => containers::delete(&app.control, &Actor::System, record.id, NAME)
                .await
                .unwrap(),
        }
    }

    async fn create(&self) -> JobId {
        let source = match self.kind {
            Kind::FromImage => NGINX,
            _ => DEBIAN,
        };
        let form = ContainerForm {
            env: "COLOR=green".into(),
            ..self.app.form(NAME, source)
        };
        if self.kind == Kind::RolledBack {
            let path = "/nodes/{node}/lxc/{vmid}/status/start";
            let effect = Effect::FailTask("out of memory".into());
            self.app.inject_fault("POST", path, effect);
        }
        self.app.create(&form).await.unwrap().job
    }

    /// Changes the site, and returns the job that follows. Writes the change to the database,
    /// because the form is refused while nodes are offline.
    async fn open_ports(&self) -> JobId {
        let (site, permit) = (self.app.site, Actor::System.permit::<SiteManage>().unwrap());
        let change = move |c: &mut store::Conn| {
            let mut spec: SiteSpec = store::sites::get(c, site)?.expect("the site").spec;
            spec.port_access = PortAccess::Network;
            store::sites::update(c, permit, site, &spec)
        };
        self.app.control.store().write(change).await.unwrap();
        filters::set_for_site(&self.app.control, &Actor::System, site)
            .await
            .unwrap();
        let query = JobQuery {
            page: 1,
            ..JobQuery::default()
        };
        for _ in 0..500 {
            let all = jobs::list(&self.app.control, &Actor::System, &query).await;
            let mut all = all.unwrap().rows.into_iter();
            if let Some(job) = all.find(|job| job.kind == JobKind::Filters) {
                return job.id;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the change queued no job");
    }

    async fn edit(&self, record: ContainerRecord) -> JobId {
        let view = self.app.view(NAME).await;
        let mut form = ContainerForm::from(&view);
        form.memory = "512".into();
        form.env = "MODE=quiet".into();
        let edit = EditContainer {
            version: view.version,
            spec: form.parse().unwrap().spec,
            restart: self.kind == Kind::EditWithRestart,
        };
        containers::edit(&self.app.control, &Actor::System, record.id, edit)
            .await
            .unwrap()
            .unwrap()
    }

    pub async fn record(&self) -> Option<ContainerRecord> {
        record(&self.app).await
    }

    /// Deletes the container and waits for the job.
    pub async fn delete(&self, record: &ContainerRecord) -> JobView {
        self.app.delete(record.id, NAME).await
    }

    /// Reads the current state of cluster and database.
    pub async fn actual_state(&self) -> ActualState {
        ActualState {
            record: self.record().await,
            real: self.app.sim.handle().containers(),
        }
    }
}

async fn record(app: &TestApp) -> Option<ContainerRecord> {
    let (site, name) = ("lab".parse().unwrap(), NAME.parse().unwrap());
    app.control
        .store()
        .read(move |c| store::containers::get_by_name(c, &site, &name))
        .await
        .unwrap()
}

async fn power(app: &TestApp, record: ContainerRecord, power: Power) -> JobId {
    containers::power(&app.control, &Actor::System, record.id, power)
        .await
        .unwrap()
}

/// Control options with this retry timeout for steps and this timeout for API calls.
pub fn options(retry_timeout: Duration, response: Duration) -> Options {
    Options {
        retry_timeout,
        // Many clusters are polled at once. Jobs read the state they need themselves.
        observe_interval: Duration::from_secs(1),
        timeouts: Timeouts {
            response,
            slow: response,
            ..Timeouts::default()
        },
        ..test_app::options()
    }
}
