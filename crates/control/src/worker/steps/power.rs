//! Starts and stops the container.

use std::time::{Duration, Instant};

use proxmox::{RunState, Shutdown};

use super::{Context, Done, Failure, QUICK};
use crate::observer::Power;

/// How long a container may take to shut down before it is stopped.
const GRACE: Duration = Duration::from_secs(60);
/// How long to wait for the address of a started container.
const ADDRESS: Duration = Duration::from_secs(20);

/// Starts the container, unless it is running.
pub(super) async fn start(context: &mut Context) -> Result<Done, Failure> {
    context.resume("vzstart", QUICK).await?;
    let (node, vmid) = (context.node(), context.vmid()?);
    if runs(context).await? {
        context.observed(Power::Running);
        return Ok(Done::Skipped("runs already".into()));
    }
    match context.client.start_lxc(&node, vmid).await {
        Ok(upid) => context.follow(&upid, QUICK).await?,
        Err(proxmox::Error::Running { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    keep_restart_needed(context, false).await?;
    context.observed(Power::Running);
    Ok(Done::Did(String::new()))
}

/// Waits until the container has its reserved address. A timeout is not a failure, because some
/// images do not report addresses.
pub(super) async fn address(context: &mut Context) -> Result<Done, Failure> {
    let (node, vmid) = (context.node(), context.vmid()?);
    let (reserved, began) = (context.container.address, Instant::now());
    let mut pause = Duration::from_millis(100);
    loop {
        let interfaces = context.client.lxc_interfaces(&node, vmid).await?;
        if interfaces
            .iter()
            .any(|interface| interface.ipv4() == Some(reserved))
        {
            return Ok(Done::Did(reserved.to_string()));
        }
        if began.elapsed() > ADDRESS {
            let seconds = ADDRESS.as_secs();
            return Ok(Done::Did(format!(
                "{reserved} was not seen within {seconds} s"
            )));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(Duration::from_secs(1));
    }
}

/// Shuts the container down, and stops it after the grace period.
pub(super) async fn shutdown(context: &mut Context) -> Result<Done, Failure> {
    context.resume("vzshutdown", GRACE + QUICK).await?;
    let (node, vmid) = (context.node(), context.vmid()?);
    if !runs(context).await? {
        context.observed(Power::Stopped);
        return Ok(Done::Skipped("does not run".into()));
    }
    let how = Shutdown {
        timeout: GRACE,
        force_stop: true,
    };
    match context.client.shutdown_lxc(&node, vmid, how).await {
        Ok(upid) => context.follow(&upid, GRACE + QUICK).await?,
        Err(proxmox::Error::NotRunning { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    context.observed(Power::Stopped);
    Ok(Done::Did(String::new()))
}

/// Stops the container immediately, before it is deleted. A missing container counts as stopped.
pub(super) async fn halt(context: &mut Context) -> Result<Done, Failure> {
    context.resume("vzstop", QUICK).await?;
    let (node, vmid) = (context.node(), context.vmid()?);
    let config = match context.client.lxc_config(&node, vmid).await {
        Ok(config) => config,
        Err(error) if error.is_not_found() => return Ok(Done::Skipped("is not there".into())),
        Err(error) => return Err(error.into()),
    };
    if !super::is_ours(&config, context) {
        return Ok(Done::Skipped(
            "the number is another container's now".into(),
        ));
    }
    if !runs(context).await? {
        return Ok(Done::Skipped("does not run".into()));
    }
    match context.client.stop_lxc(&node, vmid).await {
        Ok(upid) => context.follow(&upid, QUICK).await?,
        Err(proxmox::Error::NotRunning { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    context.observed(Power::Stopped);
    Ok(Done::Did(String::new()))
}

/// Stores whether configuration changes are pending until a restart.
pub(super) async fn keep_restart_needed(context: &Context, needed: bool) -> Result<(), Failure> {
    let id = context.container.id;
    let write = move |c: &mut store::Conn| store::containers::set_restart_needed(c, id, needed);
    Ok(context.control.store().write(write).await?)
}

async fn runs(context: &Context) -> Result<bool, Failure> {
    let status = context
        .client
        .lxc_status(&context.node(), context.vmid()?)
        .await?;
    Ok(status.status == RunState::Running)
}
