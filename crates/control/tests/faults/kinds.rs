//! The kinds of job that are tried: what must be there before, how the job is asked for, and how
//! things stand when it is done.

use std::{fmt, time::Duration};

use control::{Actor, Options, Timeouts, containers};
use model::{
    JobId,
    containers::{ContainerForm, EditContainer, Power},
    jobs::{JobState, JobView},
};
use proxmox_sim::{ContainerView, Effect};
use store::containers::ContainerRecord;

use crate::{
    agreement::Found,
    house::{self, DEBIAN, House, NGINX},
};

const NAME: &str = "web";

/// How long a step keeps trying where what is wrong lasts.
pub const PATIENCE: Duration = Duration::from_millis(1500);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    FromImage,
    FromTemplate,
    /// A creation that is taken back, because the container does not start.
    TakenBack,
    Start,
    Stop,
    Restart,
    Edit,
    EditWithRestart,
    Delete,
}

impl Kind {
    pub const ALL: [Self; 9] = [
        Self::FromImage,
        Self::FromTemplate,
        Self::TakenBack,
        Self::Start,
        Self::Stop,
        Self::Restart,
        Self::Edit,
        Self::EditWithRestart,
        Self::Delete,
    ];

    /// Whether it makes the container, and does not need one.
    pub fn creates(self) -> bool {
        matches!(self, Self::FromImage | Self::FromTemplate | Self::TakenBack)
    }

    /// How the job ends undisturbed.
    pub fn end(self) -> JobState {
        match self {
            Self::TakenBack => JobState::Failed,
            _ => JobState::Done,
        }
    }

    /// Whether the container runs once the job is done; none when it is gone.
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

/// A house in which a job of one kind can be asked for.
pub struct Stage {
    pub kind: Kind,
    pub house: House,
    /// What others have there, which nobody may touch.
    pub theirs: Vec<ContainerView>,
    /// What ended jobs said they leave behind.
    pub left: Vec<String>,
    /// Whether a node lost power.
    pub restarted: bool,
}

impl Stage {
    pub async fn new(kind: Kind, house: House) -> Self {
        for (vmid, node) in [(900, "pve1"), (1001, "pve2")] {
            assert!(house.add_theirs(vmid, node));
        }
        let theirs = house.sim.handle().containers();
        if !kind.creates() {
            house.made(NAME).await;
        }
        if kind == Kind::Start {
            let record = record(&house).await.unwrap();
            let job = power(&house, record, Power::Stop).await;
            assert_eq!(house.ended(job).await.row.state, JobState::Done);
        }
        Self {
            kind,
            house,
            theirs,
            left: Vec::new(),
            restarted: false,
        }
    }

    /// Asks for the job.
    pub async fn begin(&self) -> JobId {
        let house = &self.house;
        if self.kind.creates() {
            return self.create().await;
        }
        let record = record(house).await.unwrap();
        match self.kind {
            Kind::Start => power(house, record, Power::Start).await,
            Kind::Stop => power(house, record, Power::Stop).await,
            Kind::Restart => power(house, record, Power::Restart).await,
            Kind::Edit | Kind::EditWithRestart => self.edit(record).await,
            _ => containers::delete(&house.control, &Actor::System, record.id, NAME)
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
            env: "COLOUR=green".into(),
            ..self.house.form(NAME, source)
        };
        if self.kind == Kind::TakenBack {
            let path = "/nodes/{node}/lxc/{vmid}/status/start";
            let effect = Effect::FailTask("no room to run it".into());
            self.house.fault("POST", path, effect);
        }
        self.house.create(&form).await.unwrap().job
    }

    async fn edit(&self, record: ContainerRecord) -> JobId {
        let view = self.house.view(NAME).await;
        let mut form = ContainerForm::from(&view);
        form.memory = "512".into();
        form.env = "MODE=quiet".into();
        let edit = EditContainer {
            version: view.version,
            spec: form.parse().unwrap().spec,
            restart: self.kind == Kind::EditWithRestart,
        };
        containers::edit(&self.house.control, &Actor::System, record.id, edit)
            .await
            .unwrap()
            .unwrap()
    }

    pub async fn record(&self) -> Option<ContainerRecord> {
        record(&self.house).await
    }

    /// Asks for the container's deletion and waits for its end.
    pub async fn delete(&self, record: &ContainerRecord) -> JobView {
        self.house.delete(record.id, NAME).await
    }

    /// How things stand now.
    pub async fn found(&self) -> Found {
        Found {
            record: self.record().await,
            real: self.house.sim.handle().containers(),
        }
    }
}

async fn record(house: &House) -> Option<ContainerRecord> {
    let (site, name) = ("lab".parse().unwrap(), NAME.parse().unwrap());
    house
        .control
        .store()
        .read(move |c| store::containers::get_by_name(c, &site, &name))
        .await
        .unwrap()
}

async fn power(house: &House, record: ContainerRecord, power: Power) -> JobId {
    containers::power(&house.control, &Actor::System, record.id, power)
        .await
        .unwrap()
}

/// Control for a case: how long a step keeps trying, and how long a call may take.
pub fn options(patience: Duration, answer: Duration) -> Options {
    Options {
        patience,
        // Many are observed at once, and what is seen late is looked at by the jobs themselves.
        observe_every: Duration::from_secs(1),
        timeouts: Timeouts {
            answer,
            slow: answer,
            ..Timeouts::default()
        },
        ..house::options()
    }
}
