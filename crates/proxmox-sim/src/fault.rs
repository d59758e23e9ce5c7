//! Things that go wrong on purpose: each fault hits one call and is then used up.

use std::collections::VecDeque;
use std::time::Duration;

/// What happens to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It is answered with this status and message, before anything is looked at.
    Answer {
        /// HTTP status.
        status: u16,
        /// What stands in the status line and in the body.
        message: String,
    },
    /// It is answered as usual, but late.
    Delay(Duration),
    /// The connection is closed without an answer, and the call has no effect.
    Drop,
    /// The call takes effect, but the connection is closed before the answer.
    DropAnswer,
    /// It is never answered; the connection stays open.
    Hang,
    /// It is answered as usual, but the task that it starts fails with this message.
    FailTask(String),
    /// It is answered as usual, but the task that it starts (a creation, pull, copy or resize)
    /// finds the storage full and fails as a real node does.
    StorageFull,
    /// Somebody else holds the lock of the container's configuration: a call that waits for it is
    /// refused, a task that waits for it fails. It fails at once, not after 10 s as on a real node.
    LockTimeout,
}

/// How a task is to fail, as the task sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Doom {
    /// Lines that it writes to its log before. [`PID`] in them stands for its process.
    pub(crate) log: Vec<String>,
    /// What it says at its end, likewise.
    pub(crate) words: String,
    /// Whether it fails before it makes a disk, and not only after.
    pub(crate) before_disks: bool,
}

/// Stands for the number of the task's process, which is not known beforehand.
pub(crate) const PID: &str = "{pid}";

/// A fault that waits for its call. Faults are tried in the order in which they were injected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: String,
    /// Path behind `/api2/json`; a part in braces stands for any one, such as
    /// `/nodes/{node}/lxc/{vmid}/status/start`.
    pub path: String,
    /// What happens.
    pub effect: Effect,
}

/// The faults that wait.
#[derive(Debug, Default)]
pub(crate) struct Faults(VecDeque<Fault>);

impl Faults {
    pub(crate) fn push(&mut self, fault: Fault) {
        self.0.push_back(fault);
    }

    /// Those that wait, in their order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes the first fault that is meant for this call.
    pub(crate) fn take(&mut self, method: &str, path: &str) -> Option<Effect> {
        let hit = |fault: &Fault| fault.method == method && matches(&fault.path, path);
        let position = self.0.iter().position(hit)?;
        self.0.remove(position).map(|fault| fault.effect)
    }
}

/// Whether a path fits a pattern with parts in braces.
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
            .all(|(wanted, part)| wanted.starts_with('{') || wanted == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_hits_one_call_of_its_route() {
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
