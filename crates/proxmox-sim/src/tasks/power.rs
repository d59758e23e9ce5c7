//! The work of tasks that start and stop containers.

use std::time::Duration;

use crate::access::auth::Caller;
use crate::clock::now;
use crate::cluster::container::Power;
use crate::cluster::dhcp;
use crate::cluster::lookup::{check_arch, check_lock, container, container_mut};
use crate::tasks::{self, Run};

/// The duration of a shutdown, or the limit (also in seconds) after which it fails because the
/// container needs longer.
pub(crate) type ShutdownDuration = Result<Duration, (Duration, u64)>;

/// Starts a container in a separate task, as creation with `start` does.
pub(crate) fn start_later(run: &Run, caller: &Caller, vmid: u32) {
    let id = vmid.to_string();
    let spec = tasks::TaskSpec {
        node: &run.node,
        kind: "vzstart",
        id: &id,
        caller,
        failure: None,
    };
    tasks::start(&run.core, &spec, |run| start_work(run, vmid));
}

/// Shuts down a container in a separate task.
pub(crate) fn stop_later(run: &Run, caller: &Caller, vmid: u32) {
    let id = vmid.to_string();
    let spec = tasks::TaskSpec {
        node: &run.node,
        kind: "vzshutdown",
        id: &id,
        caller,
        failure: None,
    };
    let duration = Ok(run.core.config.delays.shutdown);
    tasks::start(&run.core, &spec, |run| stop_work(run, vmid, duration));
}

/// Starts a container.
pub(crate) async fn start_work(run: Run, vmid: u32) -> Result<(), String> {
    let _lock = run.core.lock_config(vmid).await?;
    start_locked(&run, vmid).await
}

/// Starts a container whose configuration is locked already.
pub(crate) async fn start_locked(run: &Run, vmid: u32) -> Result<(), String> {
    let missing_bridge = run.core.read(|state| {
        let container = container(state, &run.node, vmid)?;
        check_lock(container)?;
        if container.flag("template") {
            return Err("you can't start a CT if it's a template".to_owned());
        }
        check_arch(container)?;
        let mut networks = container.networks();
        Ok(networks.find_map(|(_, parts)| {
            let bridge = parts.get("bridge")?.clone();
            let network = state.networks.get(&run.node);
            let exists = network.is_some_and(|network| network.has_bridge(&bridge));
            (!exists).then_some(bridge)
        }))
    })?;
    if let Some(bridge) = missing_bridge {
        run.log(format!("bridge '{bridge}' does not exist"));
        return Err(format!("startup for container '{vmid}' failed"));
    }
    run.pause(run.core.config.delays.start).await?;
    run.core.edit(|state| {
        let pid = state.next_pid();
        let container = container_mut(state, &run.node, vmid)?;
        container.apply_pending();
        let since = u64::try_from(now().as_millis()).unwrap_or_default();
        container.power = Power::Running { since, pid };
        dhcp::lease_addresses(&run.core, state, vmid);
        Ok(())
    })
}

/// Stops a container.
pub(crate) async fn stop_work(
    run: Run,
    vmid: u32,
    duration: ShutdownDuration,
) -> Result<(), String> {
    let _lock = run.core.lock_config(vmid).await?;
    stop_locked(&run, vmid, duration).await
}

/// Stops a container whose configuration is locked already.
pub(crate) async fn stop_locked(
    run: &Run,
    vmid: u32,
    duration: ShutdownDuration,
) -> Result<(), String> {
    run.core
        .read(|state| check_lock(container(state, &run.node, vmid)?))?;
    let delay = match duration {
        Ok(delay) => delay,
        Err((limit, seconds)) => {
            run.pause(limit).await?;
            return Err(format!(
                "command 'lxc-stop -n {vmid} --nokill --timeout {seconds}' failed: exit code 1"
            ));
        }
    };
    run.pause(delay).await?;
    run.core.edit(|state| {
        container_mut(state, &run.node, vmid)?.power = Power::Stopped;
        Ok(())
    })
}
