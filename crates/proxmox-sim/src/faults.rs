//! Injected faults. Each fault affects one request and is then removed.

use std::collections::VecDeque;
use std::time::Duration;

/// The effect of a fault on a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The request is answered with this status and message without being processed.
    Respond {
        /// HTTP status.
        status: u16,
        /// Message in the status line and body.
        message: String,
    },
    /// The request is processed after a delay.
    Delay(Duration),
    /// The connection is closed without a response and the request is not processed.
    Drop,
    /// The request is processed, but the connection is closed before the response.
    DropResponse,
    /// The request is never answered. The connection stays open.
    Hang,
    /// The request succeeds, but the task that it starts fails with this message.
    FailTask(String),
    /// The request succeeds, but the task that it starts (create, pull, clone or resize) fails as
    /// on a real node whose storage is full.
    StorageFull,
    /// The lock of the container's configuration is held by another process: a request or task that
    /// needs it fails. It fails immediately, not after 10 s as on a real node.
    LockTimeout,
}

/// How a task fails.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TaskFailure {
    /// Log lines before the failure. [`PID`] is replaced by the process ID.
    pub(crate) log: Vec<String>,
    /// The error message, with the same replacement.
    pub(crate) message: String,
    /// Whether the task fails before it allocates a disk.
    pub(crate) before_disks: bool,
}

/// Placeholder for the process ID of the task, which is not known in advance.
pub(crate) const PID: &str = "{pid}";

/// A pending fault. Faults are matched in the order of their injection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: String,
    /// Path below `/api2/json`. A segment in braces matches any value, as in
    /// `/nodes/{node}/lxc/{vmid}/status/start`.
    pub path: String,
    /// The effect.
    pub effect: Effect,
}

/// The pending faults.
#[derive(Debug, Default)]
pub(crate) struct Faults(VecDeque<Fault>);

impl Faults {
    pub(crate) fn push(&mut self, fault: Fault) {
        self.0.push_back(fault);
    }

    /// The pending faults in order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The number of pending faults.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Removes the first fault that matches a request and returns its effect.
    pub(crate) fn take(&mut self, method: &str, path: &str) -> Option<Effect> {
        let hit = |fault: &Fault| fault.method == method && matches(&fault.path, path);
        let position = self.0.iter().position(hit)?;
        self.0.remove(position).map(|fault| fault.effect)
    }
}

/// Whether a path matches a pattern with segments in braces.
fn matches(pattern: &str, path: &str) -> bool {
    let parts = |text: &str| -> Vec<String> {
        text.split('/')
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (pattern, path) = (parts(pattern), parts(path));
    pattern.len() == path.len()
        && pattern
            .iter()
            .zip(&path)
            .all(|(expected, part)| expected.starts_with('{') || expected == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_affects_one_request_of_its_route() {
        let mut faults = Faults::default();
        faults.push(Fault {
            method: "GET".into(),
            path: "/nodes/{node}/lxc".into(),
            effect: Effect::Drop,
        });
        assert_eq!(faults.take("GET", "/nodes"), None);
        assert_eq!(faults.take("POST", "/nodes/pve1/lxc"), None);
        assert_eq!(faults.take("GET", "/nodes/pve1/lxc"), Some(Effect::Drop));
        assert_eq!(faults.take("GET", "/nodes/pve1/lxc"), None);
    }
}
