//! Opens the agent's directory for the programs of an edge host.

use std::path::Path;

use edge::Layout;

use super::subsystem::EdgeSubsystem;
use crate::core::{
    self, DiskError, Error, ServiceManager, Steps,
    disk::{create_public_folder, create_secret_folder},
    program::is_systemd,
};

/// Applies sites to this host.
pub type Applier = core::Applier<EdgeSubsystem>;

/// Opens the directory that contains `layout.live`. `service_managers` are those of nginx and
/// dnsmasq, in this order.
///
/// # Errors
/// If the directory cannot be opened, or another process uses it.
pub async fn open(
    layout: &Layout,
    service_managers: [ServiceManager; 2],
    steps: Steps,
) -> Result<Applier, Error> {
    let base = Path::new(layout.live.as_str()).parent();
    let base = base.unwrap_or(Path::new("/")).to_owned();
    let applier = Applier::open(&base, EdgeSubsystem::new(layout, service_managers), steps).await?;
    let folders = move || -> Result<(), DiskError> {
        create_public_folder(&base.join("state/nginx"))?;
        create_secret_folder(&base.join("tls"))
    };
    match tokio::task::spawn_blocking(folders).await {
        Ok(created) => created?,
        Err(_) => return Err(Error::Canceled),
    }
    Ok(applier)
}

/// The service managers of nginx and dnsmasq on this host.
pub(super) fn service_managers(layout: &Layout) -> [ServiceManager; 2] {
    if is_systemd() {
        return [ServiceManager::systemd(), ServiceManager::systemd()];
    }
    let (live, run, log) = (&layout.live, &layout.run, &layout.log);
    let arguments = |line: String| line.split(' ').map(str::to_owned).collect();
    [
        format!("nginx -e {log}/error.log -p {live}/nginx/ -c nginx.conf"),
        format!("dnsmasq --pid-file={run}/dnsmasq.pid --conf-file={live}/dnsmasq/dnsmasq.conf"),
    ]
    .map(|line| ServiceManager::Command(arguments(line)))
}
