//! The demo: a simulated cluster inside this process, what is created there, and the edge that
//! publishes its containers. The cluster's address and secret stay the same over restarts, so that a
//! job which a crash interrupted finds it again at once.

mod authority;
pub mod edge;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    time::Duration,
};

use control::{
    Control,
    setup::{
        self,
        demo::{self, CLUSTER, Scenario},
    },
};
use model::{
    ClusterId, Error,
    domains::{EntryPoint, Origin},
};
use proxmox_sim::{Config, Sim, StartError};
use store::Store;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::{authority::Authority, edge::Edge};
use crate::{Failure, config, serve::refused};

const TOKEN_ID: &str = "root@pam!holdfast";
/// How fast the cluster is at least while the full demo is being created, which people watch.
const FULL_BUILD_SPEED: u32 = 4;
/// The same for the small demo, for which they wait.
const SMALL_BUILD_SPEED: u32 = 100;
/// How long is waited before the creation goes on after a fault.
const RETRY_AFTER: Duration = Duration::from_secs(3);
/// How often certificates are looked at.
const RENEW_EVERY: Duration = Duration::from_secs(3600);

/// A running demo.
pub(crate) struct Demo {
    sim: Sim,
    secret: String,
    /// The addresses of the cluster's nodes.
    nodes: Vec<Ipv4Addr>,
    config: config::Demo,
    authority: Authority,
}

impl Demo {
    /// Starts the simulated cluster, before anything looks for it.
    pub(crate) async fn start(
        store: &Store,
        data: &Path,
        config: config::Demo,
    ) -> Result<Self, Failure> {
        let authority = Authority::load_or_create(data)?;
        let key = store.key().clone();
        let known = store
            .read(move |c| store::clusters::by_name(c, &key, CLUSTER))
            .await?;
        let secret = known
            .as_ref()
            .map_or_else(random_secret, |cluster| cluster.access.secret.clone());
        let before = known
            .and_then(|cluster| {
                cluster
                    .access
                    .url
                    .as_str()
                    .strip_prefix("http://")?
                    .parse::<SocketAddr>()
                    .ok()
            })
            .filter(|address| address.ip().is_loopback());
        let mut cluster = match config.scenario {
            Scenario::Small => Config::demo(&secret),
            Scenario::Full => Config::organization(&secret),
        };
        cluster.speed = config.speed;
        cluster.state_file = Some(data.join("simulator.json"));
        if let Some(before) = before {
            cluster.listen = before;
        }
        let nodes = cluster.scenario.nodes.iter();
        let nodes = nodes.map(|node| node.address).collect();
        let sim = match proxmox_sim::start(cluster.clone()).await {
            Err(StartError::Listen { .. }) if before.is_some() => {
                cluster.listen.set_port(0);
                proxmox_sim::start(cluster).await?
            }
            started => started?,
        };
        Ok(Self {
            sim,
            secret,
            nodes,
            config,
            authority,
        })
    }

    /// Connects the cluster, and creates the demo where that takes a moment only.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn connect(&self, control: &Control) -> Result<ClusterId, Failure> {
        let access = setup::Access {
            url: self.sim.url(),
            token_id: TOKEN_ID.to_owned(),
            secret: self.secret.clone(),
        };
        let connected = async {
            let cluster = demo::connect(control, access).await?;
            if self.config.scenario == Scenario::Small {
                self.build(control, cluster).await?;
            }
            Ok::<_, Error>(cluster)
        };
        connected.await.map_err(refused("demo"))
    }

    /// Starts to publish the cluster's containers under `localhost`, until `stop`.
    pub(crate) fn publish(
        &self,
        control: &Control,
        cluster: ClusterId,
        origin: &Origin,
        stop: CancellationToken,
    ) -> Result<(Edge, JoinHandle<()>), Failure> {
        let options = edge::Options {
            manager: origin.host(),
            entry: EntryPoint::of(origin),
            containers: self.sim.handle().container_http(),
            cluster,
            nodes: self.nodes.clone(),
        };
        Edge::start(control.clone(), options, stop).map_err(|cause| Failure::Input {
            what: "demo",
            why: cause.to_string(),
        })
    }

    /// The accounts of people in the demo, when they were asked for.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn accounts(&self, control: &Control) -> Result<Vec<demo::Account>, Failure> {
        if !self.config.print_passwords {
            return Ok(Vec::new());
        }
        let accounts = demo::accounts(control, self.config.scenario).await;
        accounts.map_err(refused("demo accounts"))
    }

    /// Goes on beside the answers to people: creates the demo, and renews its certificates, until
    /// `stop`. The edge ends by the same token.
    pub(crate) fn run(
        self,
        control: Control,
        cluster: ClusterId,
        edge: Option<JoinHandle<()>>,
        stop: CancellationToken,
    ) -> RunningDemo {
        RunningDemo(tokio::spawn(async move {
            stop.run_until_cancelled(self.keep(&control, cluster)).await;
            if let Some(edge) = edge
                && let Err(error) = edge.await
            {
                tracing::error!(%error, "demo edge ended early");
            }
            self.sim
        }))
    }

    async fn keep(&self, control: &Control, cluster: ClusterId) {
        if self.config.scenario == Scenario::Full {
            self.build_full(control, cluster).await;
        }
        loop {
            let renewed = demo::renew_certificates(control, &self.authority).await;
            let retry_in = match &renewed {
                Err(Error::Unavailable { .. }) => RETRY_AFTER,
                Ok(()) | Err(_) => RENEW_EVERY,
            };
            if let Err(error) = renewed {
                tracing::warn!(%error, ?retry_in, "demo certificates not renewed");
            }
            tokio::time::sleep(retry_in).await;
        }
    }

    async fn build_full(&self, control: &Control, cluster: ClusterId) {
        loop {
            match self.build(control, cluster).await {
                Ok(()) => break tracing::info!("demo complete"),
                Err(error @ Error::Unavailable { .. }) => {
                    tracing::warn!(%error, retry_in = ?RETRY_AFTER, "demo not complete");
                    tokio::time::sleep(RETRY_AFTER).await;
                }
                // Nothing that passes by itself: the next start goes on.
                Err(error) => break tracing::warn!(%error, "demo not complete"),
            }
        }
    }

    /// Creates what is missing on a cluster that is faster meanwhile.
    async fn build(&self, control: &Control, cluster: ClusterId) -> Result<(), Error> {
        let scenario = self.config.scenario;
        if demo::is_complete(control).await? {
            return Ok(());
        }
        let speed = match scenario {
            Scenario::Small => SMALL_BUILD_SPEED,
            Scenario::Full => FULL_BUILD_SPEED,
        };
        let simulator = self.sim.handle();
        simulator.set_speed(speed.max(self.config.speed));
        let built = demo::build(control, scenario, cluster, &self.authority).await;
        simulator.set_speed(self.config.speed);
        built
    }
}

/// A demo that goes on until it is told to stop. Its cluster is there longer, for jobs that end.
pub(crate) struct RunningDemo(JoinHandle<Sim>);

impl RunningDemo {
    /// Stops the cluster once its state is written.
    pub(crate) async fn stop_cluster(self) {
        match self.0.await {
            Ok(sim) => sim.stop().await,
            Err(error) => tracing::error!(%error, "demo ended early"),
        }
    }
}

/// Where the edge of a demonstration is reached: at the manager's own address, which is this machine's
/// for the manager and for browsers. None where other machines reach the manager, from which names
/// under `localhost` lead elsewhere.
pub(crate) fn edge_origin(bound: SocketAddr, manager: Option<&Origin>) -> Option<&Origin> {
    manager.filter(|manager| bound.ip().is_loopback() && manager.is_loopback())
}

/// A secret of the form that Proxmox gives its tokens (a random UUID).
fn random_secret() -> String {
    let hex = format!("{:032x}", rand::random::<u128>());
    [0..8, 8..12, 12..16, 16..20, 20..32]
        .map(|part| hex.get(part).unwrap_or_default().to_owned())
        .join("-")
}
