//! Power failure and restart of a node: its effect on tasks and containers. Reachability of the
//! node is handled elsewhere.

use crate::clock::now;
use crate::cluster::container::{Container, Power};
use crate::cluster::core::{Core, lock};
use crate::cluster::dhcp;
use crate::cluster::task::Outcome;

/// The status of a task whose log has no end.
const UNEXPECTED_STATUS: &str = "unexpected status";

/// Simulates a power failure: tasks end without a status, containers stop, incomplete containers
/// and locks remain.
pub(crate) fn stop(core: &Core, node: &str) {
    lock(&core.conditions).cut_power(node);
    core.edit(|state| {
        let running = state
            .tasks
            .iter_mut()
            .filter(|task| task.node == node && task.outcome.is_none());
        for task in running {
            task.outcome = Some(Outcome {
                status: UNEXPECTED_STATUS.into(),
                end: now().as_secs(),
            });
        }
        for container in state.containers.values_mut().filter(|c| c.node == node) {
            container.power = Power::Stopped;
        }
    });
}

/// Starts the node: its containers with `onboot` start.
pub(crate) fn start(core: &Core, node: &str) {
    let is_autostarted = |container: &&Container| {
        container.node == node
            && container.flag("onboot")
            && !container.flag("template")
            && container.option("lock").is_none()
    };
    core.edit(|state| {
        let all: Vec<u32> = state
            .containers
            .values()
            .filter(is_autostarted)
            .map(|container| container.vmid)
            .collect();
        for vmid in all {
            let pid = state.next_pid();
            if let Some(container) = state.containers.get_mut(&vmid) {
                container.apply_pending();
                let since = u64::try_from(now().as_millis()).unwrap_or_default();
                container.power = Power::Running { since, pid };
            }
            dhcp::lease_addresses(core, state, vmid);
        }
    });
}
