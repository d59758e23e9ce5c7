//! Suspending and resuming containers. Proxmox offers both, but the task fails on most machines.

use crate::error::{ApiError, Result};
use crate::routes::{ApiResponse, Call};
use crate::tasks::{self, Run};

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
pub(crate) fn suspend(call: &Call) -> Result<ApiResponse> {
    super::power::check_running(call, "CT")?;
    Ok(checkpoint(call, "vzsuspend", "-s"))
}

/// `POST …/status/resume`. A running container is rejected before the task starts.
pub(crate) fn resume(call: &Call) -> Result<ApiResponse> {
    if super::power::is_running(call) {
        let message = format!("CT {} already running", call.params.vmid());
        return Err(ApiError::Failed(message));
    }
    Ok(checkpoint(call, "vzresume", "-r --foreground"))
}
