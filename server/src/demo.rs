//! The demo: a simulated cluster inside this process, its content, and the edge that publishes its
//! containers. The cluster's address and secret stay the same across restarts, so that a job that a
//! crash interrupted finds the cluster again immediately.

mod ca;
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
        demo::{self, CLUSTER_NAME, Scenario},
    },
};
use model::{ClusterId, Error, domains::EntryPoint, origin::Origin};
use proxmox_sim::{Config, Sim, StartError};
use store::Store;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::{ca::DemoCa, edge::Edge};
use crate::{ExitError, config, exit_error::to_exit_error};

const TOKEN_ID: &str = "root@pam!holdfast";
/// Minimum speed of the cluster while the full demo is created, which users watch.
const FULL_BUILD_SPEED: u32 = 4;
/// Minimum speed while the small demo is created, which delays the start.
const SMALL_BUILD_SPEED: u32 = 100;
/// Delay before the creation is retried.
const RETRY_AFTER: Duration = Duration::from_secs(3);
/// Interval of certificate renewal.
const RENEW_EVERY: Duration = Duration::from_secs(3600);

/// A running demo.
pub(crate) struct Demo {
    sim: Sim,
    secret: String,
    /// The addresses of the cluster's nodes.
    nodes: Vec<Ipv4Addr>,
    config: config::Demo,
    ca: DemoCa,
}

impl Demo {
    /// Starts the simulated cluster, before anything connects to it.
    pub(crate) async fn start(
        store: &Store,
        data: &Path,
        config: config::Demo,
    ) -> Result<Self, ExitError> {
        let ca = DemoCa::load_or_create(data)?;
        let key = store.secret_key().clone();
        let stored = store
            .read(move |c| store::clusters::get_by_name(c, &key, CLUSTER_NAME))
            .await?;
        let secret = stored
            .as_ref()
            .map_or_else(random_secret, |cluster| cluster.connection.secret.clone());
        let previous_address = stored
            .and_then(|cluster| {
                cluster
                    .connection
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
        if let Some(previous_address) = previous_address {
            cluster.listen = previous_address;
        }
        let nodes = cluster.scenario.nodes.iter();
        let nodes = nodes.map(|node| node.address).collect();
        let sim = match proxmox_sim::start(cluster.clone()).await {
            Err(StartError::Listen { .. }) if previous_address.is_some() => {
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
            ca,
        })
    }

    /// Connects the cluster, and creates the demo if that takes only a moment.
    ///
    /// # Errors
    /// When the database is unavailable.
    pub(crate) async fn connect(&self, control: &Control) -> Result<ClusterId, ExitError> {
        let access = setup::Access {
            url: self.sim.url(),
            token_id: TOKEN_ID.to_owned(),
            secret: self.secret.clone(),
        };
        let connected = async {
            let cluster = demo::connect_cluster(control, access).await?;
            if self.config.scenario == Scenario::Small {
                self.build(control, cluster).await?;
            }
            Ok::<_, Error>(cluster)
        };
        connected.await.map_err(to_exit_error("demo"))
    }

    /// Starts to publish the cluster's containers under `localhost`, until `stop`.
    pub(crate) fn publish(
        &self,
        control: &Control,
        cluster: ClusterId,
        origin: &Origin,
        stop: CancellationToken,
    ) -> Result<(Edge, JoinHandle<()>), ExitError> {
        let options = edge::Options {
            manager: origin.host(),
            entry: EntryPoint::from_origin(origin),
            containers: self.sim.handle().container_http(),
            cluster,
            nodes: self.nodes.clone(),
        };
        Edge::start(control.clone(), options, stop).map_err(|cause| ExitError::Input {
            argument: "demo",
            reason: cause.to_string(),
        })
    }

    /// The accounts of the demo users, if their passwords were requested.
    ///
    /// # Errors
    /// When the database is unavailable.
    pub(crate) async fn accounts(
        &self,
        control: &Control,
    ) -> Result<Vec<demo::DemoAccount>, ExitError> {
        if !self.config.print_passwords {
            return Ok(Vec::new());
        }
        let accounts = demo::list_accounts(control, self.config.scenario).await;
        accounts.map_err(to_exit_error("demo accounts"))
    }

    /// Runs in the background until `stop`: creates the demo and renews its certificates. The edge
    /// ends by the same token.
    pub(crate) fn run(
        self,
        control: Control,
        cluster: ClusterId,
        edge: Option<JoinHandle<()>>,
        stop: CancellationToken,
    ) -> RunningDemo {
        RunningDemo(tokio::spawn(async move {
            stop.run_until_cancelled(self.maintain(&control, cluster))
                .await;
            if let Some(edge) = edge
                && let Err(error) = edge.await
            {
                tracing::error!(%error, "demo edge task failed");
            }
            self.sim
        }))
    }

    async fn maintain(&self, control: &Control, cluster: ClusterId) {
        if self.config.scenario == Scenario::Full {
            self.build_full(control, cluster).await;
        }
        loop {
            let renewed = demo::renew_certificates(control, &self.ca).await;
            let retry_in = match &renewed {
                Err(Error::Unavailable { .. }) => RETRY_AFTER,
                Ok(()) | Err(_) => RENEW_EVERY,
            };
            if let Err(error) = renewed {
                tracing::warn!(%error, ?retry_in, "demo certificate renewal failed");
            }
            tokio::time::sleep(retry_in).await;
        }
    }

    async fn build_full(&self, control: &Control, cluster: ClusterId) {
        loop {
            match self.build(control, cluster).await {
                Ok(()) => break tracing::info!("demo complete"),
                Err(error @ Error::Unavailable { .. }) => {
                    tracing::warn!(%error, retry_in = ?RETRY_AFTER, "demo creation failed");
                    tokio::time::sleep(RETRY_AFTER).await;
                }
                // Not transient: the next start continues the creation.
                Err(error) => break tracing::warn!(%error, "demo creation failed"),
            }
        }
    }

    /// Creates the missing objects, with the cluster at a higher speed.
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
        let built = demo::build(control, scenario, cluster, &self.ca).await;
        simulator.set_speed(self.config.speed);
        built
    }
}

/// A demo that runs until it is stopped. The cluster runs longer, for jobs that are ending.
pub(crate) struct RunningDemo(JoinHandle<Sim>);

impl RunningDemo {
    /// Stops the cluster after its state is written.
    pub(crate) async fn stop_cluster(self) {
        match self.0.await {
            Ok(sim) => sim.stop().await,
            Err(error) => tracing::error!(%error, "demo task failed"),
        }
    }
}

/// The origin of the demo edge: the manager's own, if it is on the loopback interface. `None` if
/// other machines reach the manager, because names under `localhost` resolve to the client's
/// machine there.
pub(crate) fn edge_origin(bound: SocketAddr, manager: Option<&Origin>) -> Option<&Origin> {
    manager.filter(|manager| bound.ip().is_loopback() && manager.is_loopback())
}

/// A random token secret in the format of Proxmox (UUID).
fn random_secret() -> String {
    let hex = format!("{:032x}", rand::random::<u128>());
    [0..8, 8..12, 12..16, 16..20, 20..32]
        .map(|part| hex.get(part).unwrap_or_default().to_owned())
        .join("-")
}
