//! Faults of the whole cluster: lost quorum, outages, manual locks and slow DHCP, each for the
//! duration of a job; node restarts and certificate changes at each call of a job.

use std::{future::Future, time::Duration};

use control::{Actor, clusters};
use model::JobId;
use proxmox_sim::{Config, Dhcp, Effect, Transport};

use crate::{
    Case,
    calls::{Call, RecordedRun, cluster},
    injection::{CALL_TIMEOUT, LONG_RETRY_TIMEOUT, inject, recover},
    kinds::{Kind, SHORT_RETRY_TIMEOUT, Scenario, options},
    test_app::{TestApp, cluster_form},
};

/// Duration of a condition that is shorter than the retry timeout of a job.
const OUTAGE: Duration = Duration::from_millis(700);

/// Delays a call so that an event can happen during it.
const PAUSE: Effect = Effect::Delay(Duration::from_millis(150));

/// A condition of the cluster that exists when the job starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    NoQuorum,
    Unreachable,
    NodesOffline,
    SlowDhcp,
    NoDhcp,
    Locked,
    LockHeld,
}

impl Condition {
    const ALL: [Self; 7] = [
        Self::NoQuorum,
        Self::Unreachable,
        Self::NodesOffline,
        Self::SlowDhcp,
        Self::NoDhcp,
        Self::Locked,
        Self::LockHeld,
    ];

    fn is_for(self, kind: Kind) -> bool {
        !(matches!(self, Self::Locked | Self::LockHeld) && kind.creates())
    }

    async fn begin(self, scenario: &Scenario) {
        let handle = scenario.app.sim.handle();
        let record = scenario.record().await;
        let vmid = record.map(|record| record.vmid).unwrap_or_default();
        match self {
            Self::NoQuorum => handle.set_quorum(false),
            Self::Unreachable => handle.close_listener().await,
            Self::NodesOffline => ["pve1", "pve2"]
                .into_iter()
                .for_each(|node| handle.set_node_online(node, false)),
            Self::SlowDhcp => handle.set_dhcp(Dhcp::Late(OUTAGE)),
            Self::NoDhcp => handle.set_dhcp(Dhcp::Never),
            Self::Locked => assert!(handle.set_lock(vmid, Some("backup"))),
            Self::LockHeld => assert!(handle.hold_lock(vmid, OUTAGE).await),
        }
    }

    async fn end(self, scenario: &Scenario) {
        let handle = scenario.app.sim.handle();
        match self {
            Self::NoQuorum => handle.set_quorum(true),
            Self::Unreachable => handle.reopen_listener().await,
            Self::NodesOffline => ["pve1", "pve2"]
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

pub fn cases(recorded: &RecordedRun) -> Vec<Case> {
    let kind = recorded.kind;
    let mut cases = Vec::new();
    for condition in Condition::ALL.into_iter().filter(|c| c.is_for(kind)) {
        for (word, patience) in [
            ("for a while", LONG_RETRY_TIMEOUT),
            ("too long", SHORT_RETRY_TIMEOUT),
        ] {
            let name = format!("{kind} × {condition:?} {word}");
            cases.push(Case::new(name, run_condition(kind, condition, patience)));
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

async fn scenario(kind: Kind, config: Config, patience: Duration) -> Scenario {
    let sim = proxmox_sim::start(config).await.unwrap();
    Scenario::new(
        kind,
        TestApp::with_options(sim, options(patience, CALL_TIMEOUT)).await,
    )
    .await
}

async fn run_condition(kind: Kind, condition: Condition, patience: Duration) {
    let mut scenario = scenario(kind, cluster(), patience).await;
    let job = scenario.submit_under(condition.begin(&scenario)).await;
    let passes = patience == LONG_RETRY_TIMEOUT;
    tokio::time::sleep(if passes {
        OUTAGE
    } else {
        SHORT_RETRY_TIMEOUT * 2
    })
    .await;
    condition.end(&scenario).await;
    let ended = scenario.app.wait_for_job(job).await;
    scenario.app.sim.handle().clear_faults();
    scenario.assert_consistent(&ended).await;
    if passes {
        let log = scenario.app.log(job).await;
        assert_eq!(ended.row.state, kind.end(), "{ended:?}\n{log}");
    }
    recover(&mut scenario, ended, true).await;
}

/// The node of the container loses power while a call is under way.
async fn restart(kind: Kind, call: Call) {
    let mut scenario = scenario(kind, cluster(), LONG_RETRY_TIMEOUT).await;
    inject(&scenario, &call, PAUSE);
    let job = scenario.submit().await;
    scenario.wait_for_fault(job, &PAUSE).await;
    scenario.restarted = true;
    let node = scenario
        .record()
        .await
        .map(|record| record.node.to_string());
    let node = node.unwrap_or_else(|| "pve2".into());
    assert!(
        scenario
            .app
            .sim
            .handle()
            .restart_node(&node, Duration::from_millis(300))
            .await
    );
    let ended = scenario.app.wait_for_job(job).await;
    scenario.app.sim.handle().clear_faults();
    scenario.assert_consistent(&ended).await;
    scenario.restarted = false;
    recover(&mut scenario, ended, true).await;
}

/// Changes the certificate during a call. An administrator confirms it after the job has ended.
async fn certificate(kind: Kind, call: Call) {
    let config = Config {
        transport: Transport::Tls,
        ..cluster()
    };
    let mut scenario = scenario(kind, config, LONG_RETRY_TIMEOUT).await;
    inject(&scenario, &call, PAUSE);
    let job = scenario.submit().await;
    scenario.wait_for_fault(job, &PAUSE).await;
    let fingerprint = scenario
        .app
        .sim
        .handle()
        .renew_certificate()
        .unwrap()
        .unwrap();
    let ended = scenario.app.wait_for_job(job).await;
    scenario.app.sim.handle().clear_faults();
    scenario.assert_consistent(&ended).await;
    let control = &scenario.app.control;
    let known = clusters::get(control, &Actor::System, "test")
        .await
        .unwrap();
    let form = cluster_form(&scenario.app.sim, fingerprint);
    clusters::update(
        control,
        &Actor::System,
        known.view.id,
        form.parse(true).unwrap(),
    )
    .await
    .unwrap();
    recover(&mut scenario, ended, true).await;
}

impl Scenario {
    /// Submits the job once the condition is set up.
    async fn submit_under(&self, condition: impl Future<Output = ()>) -> JobId {
        condition.await;
        self.submit().await
    }

    /// Waits until the fault was triggered or the job has ended without it.
    pub async fn wait_for_fault(&self, job: JobId, effect: &Effect) {
        loop {
            let view = control::jobs::get(&self.app.control, &Actor::System, job).await;
            let ended = view.unwrap().row.state.has_ended();
            let waiting = self.app.sim.handle().pending_faults();
            if ended || !waiting.iter().any(|fault| fault.effect == *effect) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
