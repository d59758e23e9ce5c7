//! The role of an edge host: serves a site with nginx and dnsmasq.

mod applier;
mod certificate;
mod certificate_store;
mod check;
mod dnsmasq;
mod host;
mod leases;
mod nginx;
mod probe;
mod running;
mod subsystem;

use std::sync::Arc;

use agent_protocol::HostDescription;
use async_trait::async_trait;

pub use applier::{Applier, open};
pub use check::Checker;
pub use dnsmasq::{DNSMASQ, program as dnsmasq};
pub use host::LayoutError;
pub use nginx::{NGINX, Nginx};
pub use subsystem::EdgeSubsystem;

use crate::core::{
    Role, RoleError, RunningRole,
    manager_client::ManagerClient,
    role::{AgentPaths, RoleUnits, SavedRole},
};

/// The role of an edge host.
#[derive(Clone, Copy, Debug)]
pub struct Edge;

#[async_trait]
impl Role for Edge {
    fn name(&self) -> &'static str {
        "edge"
    }

    fn units(&self) -> RoleUnits {
        RoleUnits {
            files: &[
                (
                    "nginx.service.d/holdfast.conf",
                    include_str!("../../systemd/nginx.conf"),
                ),
                (
                    "dnsmasq.service.d/holdfast.conf",
                    include_str!("../../systemd/dnsmasq.conf"),
                ),
            ],
            // `nginx -t` opens its logs.
            writable: &["/var/log/nginx"],
            services: &[NGINX, DNSMASQ],
        }
    }

    async fn describe(
        &self,
        paths: &AgentPaths,
        description: &mut HostDescription,
    ) -> Result<(), RoleError> {
        description.layout = Some(host::detect_layout(&paths.base, &paths.interface).await?);
        Ok(())
    }

    fn start(
        &self,
        manager: Arc<ManagerClient>,
        saved: Option<SavedRole<'_>>,
    ) -> Box<dyn RunningRole> {
        Box::new(running::RunningEdge::start(manager, saved))
    }
}
