//! `cargo xtask dev`: builds and starts, and does both again when a source file changes.

use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;

use crate::assets;
use crate::program::say;
use crate::server::{self, Mode};
use crate::setup::Consent;
use crate::workspace::Workspace;

/// What is watched, below the workspace's root.
const WATCHED: [&str; 10] = [
    "Cargo.toml",
    "Cargo.lock",
    "app",
    "frontend",
    "server",
    "crates",
    "migrations",
    "public",
    "style",
    ".cargo",
];

const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How long the server may take to end by itself before it is killed.
const END_WITHIN: Duration = Duration::from_secs(5);

/// Runs until it is interrupted; the terminal's Ctrl-C reaches the server too.
///
/// # Errors
/// When the server cannot be started or stopped. A build that fails is shown, and the next change
/// tries again.
pub fn watch(workspace: &Workspace, consent: Consent, args: &[String]) -> anyhow::Result<()> {
    let mut running: Option<Child> = None;
    loop {
        let built_from = state(workspace.root());
        match server::build(workspace, Mode::Dev, consent) {
            Ok(binary) => {
                if let Some(old) = running.take() {
                    stop(old)?;
                }
                let mut command = server::serve(workspace, &binary, args);
                running = Some(command.spawn().context("the server could not start")?);
            }
            Err(error) => say(&format!("{error:#}")),
        }
        wait_for_change(workspace.root(), &built_from, &mut running)?;
    }
}

fn wait_for_change(
    root: &Path,
    built_from: &State,
    running: &mut Option<Child>,
) -> anyhow::Result<()> {
    let mut last = None;
    loop {
        if let Some(status) = running.as_mut().map(Child::try_wait).transpose()?.flatten() {
            say(&format!(
                "the server ended ({status}); the next change starts it again"
            ));
            *running = None;
        }
        let now = state(root);
        // A change counts once it has been quiet for one look: editors write several files.
        if now != *built_from && last.as_ref() == Some(&now) {
            say("something changed");
            return Ok(());
        }
        last = Some(now);
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Asks the server to end, so that it can leave its data in order.
fn stop(mut child: Child) -> anyhow::Result<()> {
    if child.try_wait()?.is_some() {
        return Ok(());
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM)
        .context("the server could not be stopped")?;
    let deadline = Instant::now() + END_WITHIN;
    while child.try_wait()?.is_none() {
        if Instant::now() > deadline {
            say("the server does not end; killing it");
            child.kill()?;
            child.wait()?;
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Every watched file with the time of its last change.
type State = Vec<(PathBuf, Option<SystemTime>)>;

fn state(root: &Path) -> State {
    let mut state = State::new();
    for name in WATCHED {
        let path = root.join(name);
        if !path.exists() {
            continue;
        }
        // What goes away during a look is a change like any other, and no reason to end.
        for file in assets::files_below(&path).unwrap_or_default() {
            let changed = std::fs::metadata(&file)
                .and_then(|meta| meta.modified())
                .ok();
            state.push((file, changed));
        }
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_a_change_and_a_removal_are_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        let file = root.join("app/src/lib.rs");
        std::fs::create_dir_all(root.join("app/src")).expect("folders");
        let empty = state(root);
        std::fs::write(&file, "one").expect("written");
        let one = state(root);
        assert_ne!(empty, one);
        let handle = std::fs::File::options()
            .append(true)
            .open(&file)
            .expect("opened");
        handle
            .set_modified(SystemTime::UNIX_EPOCH)
            .expect("time set");
        assert_ne!(state(root), one);
        std::fs::remove_file(&file).expect("removed");
        assert_eq!(state(root), empty);
    }

    #[test]
    fn what_is_built_is_not_watched() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        std::fs::create_dir_all(root.join("style/node_modules")).expect("folders");
        std::fs::write(root.join("style/node_modules/x.js"), "x").expect("written");
        assert_eq!(state(root), State::new());
    }
}
