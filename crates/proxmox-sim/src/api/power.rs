//! Power management and the current status of containers.
//!
//! The power state is checked before the task starts. As on a real node, the task checks whether
//! the container exists, is locked or is a template.

use std::time::Duration;

use serde_json::{Value, json};

use super::{check_arch, check_lock, container, container_mut, node};
use crate::access::auth::Caller;
use crate::cluster::container::{Container, Power};
use crate::cluster::core::now;
use crate::cluster::usage;
use crate::error::{ApiError, Result};
use crate::routes::{ApiResponse, Call};
use crate::tasks::{self, Run};

/// Default timeout of a shutdown, in seconds.
const SHUTDOWN_TIMEOUT: u64 = 60;

/// `GET /nodes/{node}/lxc`.
pub(crate) fn list(call: &Call) -> Result<ApiResponse> {
    let entries = call.core.read(|state| {
        let containers = state
            .containers
            .values()
            .filter(|container| container.node == call.node())
            .filter(|container| {
                call.has_privilege(state, &format!("/vms/{}", container.vmid), "VM.Audit")
            });
        containers
            .map(|container| live(call, container))
            .collect::<Vec<Value>>()
    });
    Ok(Value::from(entries).into())
}

/// `GET …/status/current`.
pub(crate) fn current(call: &Call) -> Result<ApiResponse> {
    call.core.read(|state| {
        let container = container(state, call.node(), call.params.vmid())?;
        let mut entry = usage::members(live(call, container));
        entry.insert("ha".into(), json!({ "managed": 0 }));
        Ok(Value::Object(entry).into())
    })
}

fn live(call: &Call, container: &Container) -> Value {
    let usage = usage::container_usage(container);
    let spec = call.core.node(&container.node);
    let mut entry = usage::members(json!({
        "vmid": container.vmid,
        "type": "lxc",
        "name": container.name(),
        "status": if container.is_running() { "running" } else { "stopped" },
        "cpus": spec.map_or(1, |spec| usage::cpu_count(container, spec)),
        "cpu": usage.cpu,
        "mem": usage.memory,
        "maxmem": container.memory(),
        "swap": 0,
        "maxswap": container.number("swap").unwrap_or(512) << 20,
        "disk": usage.disk,
        "maxdisk": container.disk(),
        "uptime": usage.uptime,
        "netin": usage.network.0,
        "netout": usage.network.1,
        "diskread": usage.network.0 * 3,
        "diskwrite": usage.network.1 * 2,
    }));
    for name in ["lock", "tags"] {
        if let Some(value) = container.option(name) {
            entry.insert(name.into(), value.into());
        }
    }
    if container.flag("template") {
        entry.insert("template".into(), 1.into());
    }
    if let Some(pid) = usage.pid {
        entry.insert("pid".into(), pid.into());
        for kind in [
            "cpusome",
            "cpufull",
            "iosome",
            "iofull",
            "memorysome",
            "memoryfull",
        ] {
            entry.insert(format!("pressure{kind}"), "0.00".into());
        }
    }
    entry.into()
}

/// Whether the container in the URL is running.
pub(crate) fn is_running(call: &Call) -> bool {
    let vmid = call.params.vmid();
    call.core
        .read(|state| container(state, call.node(), vmid).is_ok_and(Container::is_running))
}

/// Fails if the container in the URL is not running.
pub(crate) fn check_running(call: &Call, prefix: &str) -> Result<()> {
    if is_running(call) {
        return Ok(());
    }
    Err(ApiError::Failed(format!(
        "{prefix} {} not running",
        call.params.vmid()
    )))
}

/// Rejects `skiplock` unless the caller is root with a ticket.
fn check_skiplock(call: &Call) -> Result<()> {
    if call.params.flag("skiplock") && !call.caller.is_root() {
        return Err(ApiError::parameter(
            "skiplock",
            "Only root may use this option.",
        ));
    }
    Ok(())
}

/// `POST …/status/start`.
pub(crate) fn start(call: &Call) -> Result<ApiResponse> {
    check_skiplock(call)?;
    let vmid = call.params.vmid();
    if is_running(call) {
        return Err(ApiError::Failed(format!("CT {vmid} already running")));
    }
    let id = vmid.to_string();
    Ok(tasks::start(&call.core, &call.spec("vzstart", &id), |run| {
        start_work(run, vmid)
    })
    .into())
}

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

async fn start_work(run: Run, vmid: u32) -> std::result::Result<(), String> {
    let _lock = run.core.lock_config(vmid).await?;
    start_locked(&run, vmid).await
}

async fn start_locked(run: &Run, vmid: u32) -> std::result::Result<(), String> {
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
        node::lease_addresses(&run.core, state, vmid);
        Ok(())
    })
}

/// `POST …/status/stop`.
pub(crate) fn stop(call: &Call) -> Result<ApiResponse> {
    check_skiplock(call)?;
    check_running(call, "CT")?;
    let (vmid, delay) = (call.params.vmid(), call.core.config.delays.stop);
    let id = vmid.to_string();
    let spec = call.spec("vzstop", &id);
    Ok(tasks::start(&call.core, &spec, |run| stop_work(run, vmid, Ok(delay))).into())
}

/// `POST …/status/shutdown`.
pub(crate) fn shutdown(call: &Call) -> Result<ApiResponse> {
    check_running(call, "CT")?;
    let vmid = call.params.vmid();
    let duration = shutdown_duration(call, call.params.flag("forceStop"));
    let id = vmid.to_string();
    let spec = call.spec("vzshutdown", &id);
    Ok(tasks::start(&call.core, &spec, move |run| stop_work(run, vmid, duration)).into())
}

/// The duration of a shutdown, or the limit (also in seconds) after which it fails because the
/// container needs longer.
fn shutdown_duration(call: &Call, force: bool) -> std::result::Result<Duration, (Duration, u64)> {
    let seconds = call.params.number("timeout").unwrap_or(SHUTDOWN_TIMEOUT);
    let (limit, needed) = (
        Duration::from_secs(seconds),
        call.core.config.delays.shutdown,
    );
    if needed <= limit {
        Ok(needed)
    } else if force {
        Ok(limit)
    } else {
        Err((limit, seconds))
    }
}

async fn stop_work(
    run: Run,
    vmid: u32,
    duration: std::result::Result<Duration, (Duration, u64)>,
) -> std::result::Result<(), String> {
    let _lock = run.core.lock_config(vmid).await?;
    stop_locked(&run, vmid, duration).await
}

async fn stop_locked(
    run: &Run,
    vmid: u32,
    duration: std::result::Result<Duration, (Duration, u64)>,
) -> std::result::Result<(), String> {
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

/// `POST …/status/reboot`. Pending changes are applied.
pub(crate) fn reboot(call: &Call) -> Result<ApiResponse> {
    check_running(call, "VM")?;
    let vmid = call.params.vmid();
    let duration = shutdown_duration(call, true);
    let id = vmid.to_string();
    let work = move |run: Run| async move {
        let _lock = run.core.lock_config(vmid).await?;
        stop_locked(&run, vmid, duration).await?;
        start_locked(&run, vmid).await
    };
    Ok(tasks::start(&call.core, &call.spec("vzreboot", &id), work).into())
}
