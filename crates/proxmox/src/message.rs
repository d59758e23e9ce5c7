//! Classifies the messages of failed calls and tasks. Only this module interprets their text.

/// The message of a node without quorum.
pub(crate) const NO_QUORUM: &str = "no quorum";

/// The kind of error that a Proxmox message describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    Missing,
    Exists,
    Locked,
    Running,
    NotRunning,
    Changed,
}

/// Classifies the message of a failed call or task.
pub(crate) fn classify(message: &str) -> Option<ErrorKind> {
    let guest = message.starts_with("CT ") || message.starts_with("VM ");
    if message.contains("is locked (") || message.starts_with("can't lock file") {
        Some(ErrorKind::Locked)
    } else if (guest && message.contains(" already exists"))
        || (message.starts_with("create ") && message.ends_with(" already exists"))
        || (message.starts_with("snapshot name ") && message.ends_with(" already used"))
        || message.starts_with("refusing to override existing file")
    {
        Some(ErrorKind::Exists)
    } else if (guest && message.ends_with(" already running"))
        || message.ends_with("container is running")
    {
        Some(ErrorKind::Running)
    } else if guest && message.ends_with(" not running") {
        Some(ErrorKind::NotRunning)
    } else if message.starts_with("detected modified configuration") {
        Some(ErrorKind::Changed)
    } else if message.contains("does not exist") || message.starts_with("no such ") {
        Some(ErrorKind::Missing)
    } else {
        None
    }
}
