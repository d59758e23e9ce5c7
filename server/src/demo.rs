//! The demonstration: a simulated cluster inside this process. Its address and secret stay the
//! same over restarts, so that a job which a crash interrupted finds it again at once.

use std::{net::SocketAddr, path::Path};

use control::{Control, setup};
use proxmox_sim::{Config, Sim, StartError};
use store::Store;

use crate::Failure;

/// The cluster's name, as `control::setup::demo` gives it.
const CLUSTER: &str = "demo";
const TOKEN_ID: &str = "root@pam!holdfast";

/// A running demonstration.
pub(crate) struct Demo {
    sim: Sim,
    secret: String,
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
        let sim = match proxmox_sim::start(config.clone()).await {
            Err(StartError::Listen { .. }) if before.is_some() => {
                config.listen.set_port(0);
                proxmox_sim::start(config).await?
            }
            started => started?,
        };
        Ok(Self { sim, secret })
    }

    /// Makes the demonstration's site and containers, or tells where its cluster is now.
    pub(crate) async fn set_up(&self, control: &Control) -> Result<(), Failure> {
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

    /// Stops the cluster once its state is written.
    pub(crate) async fn stop(self) {
        self.sim.stop().await;
    }
}

/// A secret of the form that Proxmox gives its tokens (a random UUID).
fn random_secret() -> String {
    let hex = format!("{:032x}", rand::random::<u128>());
    [0..8, 8..12, 12..16, 16..20, 20..32]
        .map(|part| hex.get(part).unwrap_or_default().to_owned())
        .join("-")
}
