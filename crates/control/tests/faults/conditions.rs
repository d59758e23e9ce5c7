//! What is wrong with the whole cluster for a while: no quorum, nobody there, somebody else's lock,
//! slow DHCP; a node that restarts and a certificate that changes at each call of a job.

use std::{future::Future, time::Duration};

use control::{Actor, clusters};
use model::JobId;
use proxmox_sim::{Config, Dhcp, Effect, Transport};

use crate::{
    Case,
    calls::{Call, Recorded, cluster},
    house::{House, cluster_form},
    kinds::{Kind, PATIENCE, Stage, options},
    wrong::{LONG, PATIENT, inject, recover},
};

/// How long a condition lasts that a job outlives.
const WHILE: Duration = Duration::from_millis(700);

/// During this call something happens.
const PAUSE: Effect = Effect::Delay(Duration::from_millis(150));

/// A condition that comes with the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    NoQuorum,
    Away,
    NodesCutOff,
    SlowDhcp,
    NoDhcp,
    Locked,
    LockHeld,
}

impl Condition {
    const ALL: [Self; 7] = [
        Self::NoQuorum,
        Self::Away,
        Self::NodesCutOff,
        Self::SlowDhcp,
        Self::NoDhcp,
        Self::Locked,
        Self::LockHeld,
    ];

    fn is_for(self, kind: Kind) -> bool {
        !(matches!(self, Self::Locked | Self::LockHeld) && kind.creates())
    }

    async fn begin(self, stage: &Stage) {
        let handle = stage.house.sim.handle();
        let record = stage.record().await;
        let vmid = record.map(|record| record.vmid).unwrap_or_default();
        match self {
            Self::NoQuorum => handle.set_quorum(false),
            Self::Away => handle.go_away().await,
            Self::NodesCutOff => ["pve1", "pve2"]
                .into_iter()
                .for_each(|node| handle.set_node_online(node, false)),
            Self::SlowDhcp => handle.set_dhcp(Dhcp::Late(WHILE)),
            Self::NoDhcp => handle.set_dhcp(Dhcp::Never),
            Self::Locked => assert!(handle.set_lock(vmid, Some("backup"))),
            Self::LockHeld => assert!(handle.hold_lock(vmid, WHILE).await),
        }
    }

    async fn end(self, stage: &Stage) {
        let handle = stage.house.sim.handle();
        match self {
            Self::NoQuorum => handle.set_quorum(true),
            Self::Away => handle.come_back().await,
            Self::NodesCutOff => ["pve1", "pve2"]
                .into_iter()
                .for_each(|node| handle.set_node_online(node, true)),
            Self::SlowDhcp | Self::NoDhcp => handle.set_dhcp(Dhcp::Normal),
            Self::Locked => {
                for ours in handle.containers() {
                    handle.set_lock(ours.vmid, None);
                }
            }
            Self::LockHeld => {}
        }
    }
}

pub fn cases(recorded: &Recorded) -> Vec<Case> {
    let kind = recorded.kind;
    let mut cases = Vec::new();
    for condition in Condition::ALL.into_iter().filter(|c| c.is_for(kind)) {
        for (word, patience) in [("for a while", PATIENT), ("too long", PATIENCE)] {
            let name = format!("{kind} × {condition:?} {word}");
            cases.push(Case::new(name, lasting(kind, condition, patience)));
        }
    }
    for call in recorded.calls.keys() {
        let name = |what: &str| format!("{kind} × {call} × {what}");
        cases.push(Case::new(
            name("restart of the node"),
            restart(kind, call.clone()),
        ));
        cases.push(Case::new(
            name("changed certificate"),
            certificate(kind, call.clone()),
        ));
    }
    cases
}

async fn stage(kind: Kind, config: Config, patience: Duration) -> Stage {
    let sim = proxmox_sim::start(config).await.unwrap();
    Stage::new(kind, House::of(sim, options(patience, LONG)).await).await
}

async fn lasting(kind: Kind, condition: Condition, patience: Duration) {
    let mut stage = stage(kind, cluster(), patience).await;
    let job = stage.begin_under(condition.begin(&stage)).await;
    let passes = patience == PATIENT;
    tokio::time::sleep(if passes { WHILE } else { PATIENCE * 2 }).await;
    condition.end(&stage).await;
    let ended = stage.house.ended(job).await;
    stage.house.sim.handle().clear_faults();
    stage.assert_agreement(&ended).await;
    if passes {
        let log = stage.house.log(job).await;
        assert_eq!(ended.row.state, kind.end(), "{ended:?}\n{log}");
    }
    recover(&mut stage, ended, true).await;
}

/// The node of the container loses power while a call is under way.
async fn restart(kind: Kind, call: Call) {
    let mut stage = stage(kind, cluster(), PATIENT).await;
    inject(&stage, &call, PAUSE);
    let job = stage.begin().await;
    stage.reached(job, &PAUSE).await;
    stage.restarted = true;
    let node = stage.record().await.map(|record| record.node.to_string());
    let node = node.unwrap_or_else(|| "pve2".into());
    assert!(
        stage
            .house
            .sim
            .handle()
            .restart(&node, Duration::from_millis(300))
            .await
    );
    let ended = stage.house.ended(job).await;
    stage.house.sim.handle().clear_faults();
    stage.assert_agreement(&ended).await;
    stage.restarted = false;
    recover(&mut stage, ended, true).await;
}

/// The certificate is another one from a call on, until a person confirms it.
async fn certificate(kind: Kind, call: Call) {
    let config = Config {
        transport: Transport::Tls,
        ..cluster()
    };
    let mut stage = stage(kind, config, PATIENT).await;
    inject(&stage, &call, PAUSE);
    let job = stage.begin().await;
    stage.reached(job, &PAUSE).await;
    let fingerprint = stage
        .house
        .sim
        .handle()
        .renew_certificate()
        .unwrap()
        .unwrap();
    let ended = stage.house.ended(job).await;
    stage.house.sim.handle().clear_faults();
    stage.assert_agreement(&ended).await;
    let control = &stage.house.control;
    let known = clusters::get(control, &Actor::System, "test")
        .await
        .unwrap();
    let form = cluster_form(&stage.house.sim, fingerprint);
    clusters::update(
        control,
        &Actor::System,
        known.view.id,
        form.parse(true).unwrap(),
    )
    .await
    .unwrap();
    recover(&mut stage, ended, true).await;
}

impl Stage {
    /// Asks for the job as soon as something is so.
    async fn begin_under(&self, condition: impl Future<Output = ()>) -> JobId {
        condition.await;
        self.begin().await
    }

    /// Waits until a fault has hit, or the job has ended without it.
    pub async fn reached(&self, job: JobId, effect: &Effect) {
        loop {
            let view = control::jobs::get(&self.house.control, &Actor::System, job).await;
            let ended = view.unwrap().row.state.ended();
            let waiting = self.house.sim.handle().faults();
            if ended || !waiting.iter().any(|fault| fault.effect == *effect) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
