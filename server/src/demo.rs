//! The demonstration: a simulated cluster inside this process, and the edge that publishes its
//! containers. The cluster's address and secret stay the same over restarts, so that a job which a
//! crash interrupted finds it again at once.

pub mod edge;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
};

use control::{Control, setup};
use model::{
    ClusterId,
    domains::{EntryPoint, Origin},
};
use proxmox_sim::{Config, Sim, StartError};
use store::Store;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::edge::Edge;
use crate::Failure;

/// The cluster's name, as `control::setup::demo` gives it.
const CLUSTER: &str = "demo";
const TOKEN_ID: &str = "root@pam!holdfast";

/// A running demonstration.
pub(crate) struct Demo {
    sim: Sim,
    secret: String,
    /// The addresses of the cluster's nodes.
    nodes: Vec<Ipv4Addr>,
    /// The edge at work; it ends by its own token.
    edge: Option<JoinHandle<()>>,
}

impl Demo {
    /// Starts the simulated cluster, before anything looks for it.
    pub(crate) async fn start(store: &Store, data: &Path) -> Result<Self, Failure> {
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
        let mut config = Config::demo(&secret);
        config.state_file = Some(data.join("simulator.json"));
        if let Some(before) = before {
            config.listen = before;
        }
        let nodes = config.scenario.nodes.iter();
        let nodes = nodes.map(|node| node.address).collect();
        let sim = match proxmox_sim::start(config.clone()).await {
            Err(StartError::Listen { .. }) if before.is_some() => {
                config.listen.set_port(0);
                proxmox_sim::start(config).await?
            }
            started => started?,
        };
        Ok(Self {
            sim,
            secret,
            nodes,
            edge: None,
        })
    }

    /// Makes the demonstration's site and containers, or tells where its cluster is now.
    pub(crate) async fn set_up(&self, control: &Control) -> Result<ClusterId, Failure> {
        let access = setup::Access {
            url: self.sim.url(),
            token_id: TOKEN_ID.to_owned(),
            secret: self.secret.clone(),
        };
        setup::demo(control, access)
            .await
            .map_err(|cause| Failure::Refused {
                what: "demonstration",
                cause,
            })
    }

    /// Starts to publish the cluster's containers under `localhost`, until `stop`.
    pub(crate) fn publish(
        &mut self,
        control: &Control,
        cluster: ClusterId,
        origin: &Origin,
        stop: CancellationToken,
    ) -> Result<Edge, Failure> {
        let options = edge::Options {
            manager: origin.host(),
            entry: EntryPoint::of(origin),
            containers: self.sim.handle().container_http(),
            cluster,
            nodes: self.nodes.clone(),
        };
        let (edge, task) =
            Edge::start(control.clone(), options, stop).map_err(|cause| Failure::Input {
                what: "demonstration",
                why: cause.to_string(),
            })?;
        self.edge = Some(task);
        Ok(edge)
    }

    /// Waits for the edge, which was told to stop, and stops the cluster once its state is written.
    pub(crate) async fn stop(self) {
        if let Some(edge) = self.edge
            && let Err(error) = edge.await
        {
            tracing::error!(%error, "demo edge: ended early");
        }
        self.sim.stop().await;
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
