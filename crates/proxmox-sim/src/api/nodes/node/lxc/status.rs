//! `/nodes/{node}/lxc/{vmid}/status`: power management and the current status.
//!
//! The power state is checked before the task starts. As on a real node, the task checks whether
//! the container exists, is locked or is a template.

use std::time::Duration;

use serde_json::{Value, json};

use super::{container_index, with_address};
use crate::call::{ApiResponse, Call};
use crate::cluster::container::Container;
use crate::cluster::lookup::container;
use crate::cluster::usage;
use crate::error::{ApiError, Result};
use crate::route::{Handler, Route};
use crate::schema::{boolean, integer, lxc};
use crate::tasks::power::{self, ShutdownDuration};
use crate::tasks::{self, Run};

/// Default timeout of a shutdown, in seconds.
const SHUTDOWN_TIMEOUT: u64 = 60;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let flags = |name| with_address(vec![boolean(name), boolean("skiplock")]);
    let timeout = || integer("timeout").min(0);
    let shutdown_options = with_address(vec![boolean("forceStop"), timeout()]);
    let reboot_options = with_address(vec![timeout()]);
    let status = "/nodes/{node}/lxc/{vmid}/status";
    let latest = "/nodes/{node}/lxc/{vmid}/status/current";
    let post = |path, options, handler: Handler| {
        Route::new("POST", path, options, handler).every("/vms/{vmid}", &["VM.PowerMgmt"])
    };
    vec![
        Route::new("GET", status, lxc::address(), index),
        Route::new("GET", latest, lxc::address(), current).every("/vms/{vmid}", &["VM.Audit"]),
        post(
            "/nodes/{node}/lxc/{vmid}/status/start",
            flags("debug"),
            start,
        ),
        post(
            "/nodes/{node}/lxc/{vmid}/status/stop",
            flags("overrule-shutdown"),
            stop,
        ),
        post(
            "/nodes/{node}/lxc/{vmid}/status/shutdown",
            shutdown_options,
            shutdown,
        ),
        post(
            "/nodes/{node}/lxc/{vmid}/status/reboot",
            reboot_options,
            reboot,
        ),
        post(
            "/nodes/{node}/lxc/{vmid}/status/suspend",
            lxc::address(),
            suspend,
        ),
        post(
            "/nodes/{node}/lxc/{vmid}/status/resume",
            lxc::address(),
            resume,
        ),
    ]
}

/// `GET /nodes/{node}/lxc/{vmid}/status`.
fn index(call: &Call) -> Result<ApiResponse> {
    let names = ["current", "start", "stop", "shutdown", "reboot", "migrate"];
    container_index(call, &names)
}

/// `GET …/status/current`.
fn current(call: &Call) -> Result<ApiResponse> {
    call.core.read(|state| {
        let container = container(state, call.node(), call.params.vmid())?;
        let mut entry = usage::members(live(call, container));
        entry.insert("ha".into(), json!({ "managed": 0 }));
        Ok(Value::Object(entry).into())
    })
}

/// A container in the format of the list and of its current status.
pub(crate) fn live(call: &Call, container: &Container) -> Value {
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
fn is_running(call: &Call) -> bool {
    let vmid = call.params.vmid();
    call.core
        .read(|state| container(state, call.node(), vmid).is_ok_and(Container::is_running))
}

/// Fails if the container in the URL is not running.
fn check_running(call: &Call, prefix: &str) -> Result<()> {
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
fn start(call: &Call) -> Result<ApiResponse> {
    check_skiplock(call)?;
    let vmid = call.params.vmid();
    if is_running(call) {
        return Err(ApiError::Failed(format!("CT {vmid} already running")));
    }
    let id = vmid.to_string();
    Ok(tasks::start(&call.core, &call.spec("vzstart", &id), |run| {
        power::start_work(run, vmid)
    })
    .into())
}

/// `POST …/status/stop`.
fn stop(call: &Call) -> Result<ApiResponse> {
    check_skiplock(call)?;
    check_running(call, "CT")?;
    let (vmid, delay) = (call.params.vmid(), call.core.config.delays.stop);
    let id = vmid.to_string();
    let spec = call.spec("vzstop", &id);
    Ok(tasks::start(&call.core, &spec, |run| {
        power::stop_work(run, vmid, Ok(delay))
    })
    .into())
}

/// `POST …/status/shutdown`.
fn shutdown(call: &Call) -> Result<ApiResponse> {
    check_running(call, "CT")?;
    let vmid = call.params.vmid();
    let duration = shutdown_duration(call, call.params.flag("forceStop"));
    let id = vmid.to_string();
    let spec = call.spec("vzshutdown", &id);
    Ok(tasks::start(&call.core, &spec, move |run| {
        power::stop_work(run, vmid, duration)
    })
    .into())
}

/// The duration of a shutdown, or the limit (also in seconds) after which it fails because the
/// container needs longer.
fn shutdown_duration(call: &Call, force: bool) -> ShutdownDuration {
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

/// `POST …/status/reboot`. Pending changes are applied.
fn reboot(call: &Call) -> Result<ApiResponse> {
    check_running(call, "VM")?;
    let vmid = call.params.vmid();
    let duration = shutdown_duration(call, true);
    let id = vmid.to_string();
    let work = move |run: Run| async move {
        let _lock = run.core.lock_config(vmid).await?;
        power::stop_locked(&run, vmid, duration).await?;
        power::start_locked(&run, vmid).await
    };
    Ok(tasks::start(&call.core, &call.spec("vzreboot", &id), work).into())
}

fn checkpoint(call: &Call, kind: &'static str, flag: &str) -> ApiResponse {
    let vmid = call.params.vmid();
    let id = vmid.to_string();
    let message = format!(
        "command 'lxc-checkpoint -n {vmid} {flag} -D /var/lib/vz/dump' failed: exit code 1"
    );
    let work = |run: Run| async move {
        run.pause(run.core.config.delays.stop).await?;
        Err(message)
    };
    tasks::start(&call.core, &call.spec(kind, &id), work).into()
}

/// `POST …/status/suspend`. A stopped container is rejected before the task starts.
fn suspend(call: &Call) -> Result<ApiResponse> {
    check_running(call, "CT")?;
    Ok(checkpoint(call, "vzsuspend", "-s"))
}

/// `POST …/status/resume`. A running container is rejected before the task starts.
fn resume(call: &Call) -> Result<ApiResponse> {
    if is_running(call) {
        let message = format!("CT {} already running", call.params.vmid());
        return Err(ApiError::Failed(message));
    }
    Ok(checkpoint(call, "vzresume", "-r --foreground"))
}
