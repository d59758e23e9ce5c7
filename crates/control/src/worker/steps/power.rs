//! Starts and stops the container.

use std::time::{Duration, Instant};

use proxmox::{RunState, Shutdown};

use super::{
    Context, Guest, JobStoreResultExt as _, SHORT_TIMEOUT, StepFailure, StepOutcome,
    create::resolve_guest,
};
use crate::observer::Power;

/// How long a container may take to shut down before it is stopped.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(60);
/// How long to wait for the address of a started container.
const ADDRESS_TIMEOUT: Duration = Duration::from_secs(20);

/// Starts the container, unless it is running.
pub(super) async fn start(context: &mut Context) -> Result<StepOutcome, StepFailure> {
    context.resume("vzstart", SHORT_TIMEOUT).await?;
    let is_running = is_running(context).await?;
    let guest = context.verify_guest().await?;
    if is_running {
        context.record_power(Power::Running);
        return Ok(StepOutcome::Skipped("already running".into()));
    }
    match guest.start().await {
        Ok(upid) => context.follow(&upid, SHORT_TIMEOUT).await?,
        Err(proxmox::Error::Running { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    set_restart_needed(context, false).await?;
    context.record_power(Power::Running);
    Ok(StepOutcome::Done(String::new()))
}

/// Waits until the container has its reserved address. A timeout is not a failure, because some
/// images do not report addresses.
pub(super) async fn wait_for_address(context: &mut Context) -> Result<StepOutcome, StepFailure> {
    let (node, vmid) = (context.node(), context.vmid()?);
    let (reserved, began) = (context.container.address, Instant::now());
    let mut pause = Duration::from_millis(100);
    loop {
        let interfaces = context.client.lxc_interfaces(&node, vmid).await?;
        if interfaces
            .iter()
            .any(|interface| interface.ipv4() == Some(reserved))
        {
            return Ok(StepOutcome::Done(reserved.to_string()));
        }
        if began.elapsed() > ADDRESS_TIMEOUT {
            let seconds = ADDRESS_TIMEOUT.as_secs();
            return Ok(StepOutcome::Done(format!(
                "{reserved} not assigned within {seconds} s"
            )));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(Duration::from_secs(1));
    }
}

/// Shuts the container down, and stops it after the grace period.
pub(super) async fn shutdown(context: &mut Context) -> Result<StepOutcome, StepFailure> {
    context
        .resume("vzshutdown", SHUTDOWN_TIMEOUT + SHORT_TIMEOUT)
        .await?;
    let is_running = is_running(context).await?;
    let guest = context.verify_guest().await?;
    if !is_running {
        context.record_power(Power::Stopped);
        return Ok(StepOutcome::Skipped("not running".into()));
    }
    let options = Shutdown {
        timeout: SHUTDOWN_TIMEOUT,
        force_stop: true,
    };
    match guest.shutdown(options).await {
        Ok(upid) => {
            context
                .follow(&upid, SHUTDOWN_TIMEOUT + SHORT_TIMEOUT)
                .await?
        }
        Err(proxmox::Error::NotRunning { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    context.record_power(Power::Stopped);
    Ok(StepOutcome::Done(String::new()))
}

/// Stops the container immediately, before it is deleted. A missing container counts as stopped.
pub(super) async fn halt(context: &mut Context) -> Result<StepOutcome, StepFailure> {
    context.resume("vzstop", SHORT_TIMEOUT).await?;
    let guest = match resolve_guest(context).await? {
        Guest::Absent => return Ok(StepOutcome::Skipped("not found".into())),
        Guest::Creating => return Err(context.creation_lock()),
        Guest::Unmanaged => {
            return Ok(StepOutcome::Skipped(
                "VMID now belongs to another container".into(),
            ));
        }
        Guest::Own(guest) => guest,
    };
    if !is_running(context).await? {
        return Ok(StepOutcome::Skipped("not running".into()));
    }
    match guest.stop().await {
        Ok(upid) => context.follow(&upid, SHORT_TIMEOUT).await?,
        Err(proxmox::Error::NotRunning { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    context.record_power(Power::Stopped);
    Ok(StepOutcome::Done(String::new()))
}

/// Stores whether configuration changes are pending until a restart.
pub(super) async fn set_restart_needed(context: &Context, needed: bool) -> Result<(), StepFailure> {
    let id = context.container.id;
    let write = move |c: &mut store::Conn| store::containers::set_restart_needed(c, id, needed);
    let written = context.write(write).await;
    written.for_job(context.job)
}

async fn is_running(context: &Context) -> Result<bool, StepFailure> {
    let status = context
        .client
        .lxc_status(&context.node(), context.vmid()?)
        .await?;
    Ok(status.status == RunState::Running)
}
