//! `cargo xtask dev`: builds and starts, and does again what a changed file makes necessary. A
//! change of style alone builds the style sheet; the running server reads it, and pages reload.

use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::sync::mpsc::{self, Receiver, RecvError, RecvTimeoutError, SendError, SyncSender};
use std::time::{Duration, Instant};

use anyhow::Context;
use notify::{EventKind, RecursiveMode, Watcher};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

use crate::binaries::Binary;
use crate::lints::Lints;
use crate::program::say;
use crate::server::{self, Mode};
use crate::setup::{self, Consent};
use crate::site::Site;
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

/// What no program is compiled from.
const STYLES: [&str; 2] = ["public", "style"];

/// Editors write several files for one change: it is over when nothing came for so long.
const QUIET: Duration = Duration::from_millis(100);

/// How long the server may take to end by itself before it is killed: longer than it gives the work
/// that is under way (`server/src/serve.rs`).
const END_WITHIN: Duration = Duration::from_secs(15);

/// What has to be built again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    /// The style sheet and static files.
    Styles,
    /// The programs of the browser and of this machine.
    Programs,
}

enum Event {
    Changed(Change),
    Ended(Pid, ExitStatus),
}

/// Runs until it is interrupted; the terminal's Ctrl-C reaches the server too.
///
/// # Errors
/// When files cannot be watched, or the server cannot be started or stopped. A build that fails is
/// shown, and the next change tries again.
pub fn watch(workspace: &Workspace, consent: Consent, args: &[String]) -> anyhow::Result<()> {
    setup::ensure(setup::BUILD, consent)?;
    let (sender, events) = mpsc::sync_channel(1024);
    let _watcher = watcher(workspace.root(), sender.clone())?;
    let mut before = None;
    let mut server: Option<Server> = None;
    let mut change = Change::Programs;
    loop {
        let start = Instant::now();
        match build(workspace, consent, change, before.take()) {
            Err(error) => say(&format!("{error:#}")),
            Ok((built, change)) => {
                match (&server, change) {
                    (Some(server), Change::Styles) => server.signal(Signal::HUP)?,
                    _ => {
                        if let Some(old) = server.take() {
                            old.stop()?;
                        }
                        server = Some(Server::start(workspace, &built.server, args, &sender)?);
                    }
                }
                before = Some(built);
                say(&format!(
                    "ready after {:.1} s",
                    start.elapsed().as_secs_f32()
                ));
            }
        }
        change = next_change(&events, &mut server)?;
    }
}

/// What was built last.
struct Built {
    site: Site,
    server: PathBuf,
}

/// Builds what a change makes necessary, and says what that was: everything after a build that
/// failed. The programs of both sides are built at the same time.
fn build(
    workspace: &Workspace,
    consent: Consent,
    change: Change,
    before: Option<Built>,
) -> anyhow::Result<(Built, Change)> {
    if let (Change::Styles, Some(before)) = (change, before) {
        before.site.restyle(workspace)?;
        return Ok((before, Change::Styles));
    }
    let (site, server) = std::thread::scope(|scope| {
        let server = scope.spawn(|| Binary::Holdfast.build(workspace, Mode::Dev));
        let site = Site::build(workspace, Mode::Dev, consent, &Lints::off());
        (site, server.join())
    });
    let server = server.map_err(|_| anyhow::anyhow!("the build of the server panicked"))?;
    let (site, server) = (site?, server?);
    Ok((Built { site, server }, Change::Programs))
}

/// Waits for a change, and until it is over.
fn next_change(events: &Receiver<Event>, server: &mut Option<Server>) -> anyhow::Result<Change> {
    let mut change = None;
    loop {
        let event = match change {
            None => events.recv().map_err(RecvTimeoutError::from),
            Some(_) => events.recv_timeout(QUIET),
        };
        match event {
            Ok(Event::Changed(found)) => change = change.max(Some(found)),
            // The end of a server that was replaced is no news.
            Ok(Event::Ended(pid, status)) => {
                if server.take_if(|server| server.pid == pid).is_some() {
                    say(&format!(
                        "the server ended ({status}); the next change starts it again"
                    ));
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => anyhow::bail!("files are no longer watched"),
        }
        if let (Err(RecvTimeoutError::Timeout), Some(change)) = (event, change) {
            return Ok(change);
        }
    }
}

fn watcher(root: &Path, sender: SyncSender<Event>) -> anyhow::Result<impl Watcher + use<>> {
    let base = root.to_owned();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        if matches!(event.kind, EventKind::Access(_)) {
            return;
        }
        let changes = event.paths.iter().filter_map(|path| classify(&base, path));
        if let Some(change) = changes.max() {
            // A full queue holds changes that nothing has been built from yet.
            let _ = sender.try_send(Event::Changed(change));
        }
    })
    .context("files cannot be watched")?;
    for name in WATCHED {
        let path = root.join(name);
        if path.exists() {
            watcher
                .watch(&path, RecursiveMode::Recursive)
                .with_context(|| format!("{} cannot be watched", path.display()))?;
        }
    }
    Ok(watcher)
}

/// What a changed file makes necessary. What tools install, and files that editors hide, count for
/// nothing.
fn classify(root: &Path, path: &Path) -> Option<Change> {
    let relative = path.strip_prefix(root).ok()?;
    let mut parts = relative.iter().map(|part| part.to_string_lossy());
    let first = parts.next()?;
    let ignored =
        |part: &str| part.starts_with('.') || part.ends_with('~') || part == "node_modules";
    if parts.any(|part| ignored(&part)) {
        return None;
    }
    match STYLES.contains(&first.as_ref()) {
        true => Some(Change::Styles),
        false => Some(Change::Programs),
    }
}

/// A server that was started. Its end is an event too.
struct Server {
    pid: Pid,
    ended: Receiver<()>,
}

impl Server {
    fn start(
        workspace: &Workspace,
        binary: &Path,
        args: &[String],
        events: &SyncSender<Event>,
    ) -> anyhow::Result<Self> {
        let mut command = server::serve(workspace, binary, args);
        let mut child: Child = command.spawn().context("the server could not start")?;
        let pid = Pid::from_child(&child);
        let (events, (end, ended)) = (events.clone(), mpsc::sync_channel(1));
        std::thread::spawn(move || {
            if let Ok(status) = child.wait() {
                // Closed before the event is sent: `stop` waits for this alone.
                drop(end);
                let _: Result<(), SendError<Event>> = events.send(Event::Ended(pid, status));
            }
        });
        Ok(Self { pid, ended })
    }

    /// One that has ended needs no signal.
    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        match kill_process(self.pid, signal) {
            Err(Errno::SRCH) => Ok(()),
            result => result.context("the server cannot be signaled"),
        }
    }

    /// Asks the server to end, so that it leaves its data in order, and waits for that.
    fn stop(self) -> anyhow::Result<()> {
        self.signal(Signal::TERM)?;
        if self.ended.recv_timeout(END_WITHIN) == Err(RecvTimeoutError::Timeout) {
            say("the server does not end; killing it");
            self.signal(Signal::KILL)?;
            // Its end closes the channel.
            let _: Result<(), RecvError> = self.ended.recv();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn changes_are_told_apart_by_what_they_make_necessary() {
        let root = Path::new("/src");
        let classify = |path: &str| classify(root, Path::new(path));
        assert_eq!(classify("/src/style/tailwind.css"), Some(Change::Styles));
        assert_eq!(classify("/src/public/icons.svg"), Some(Change::Styles));
        assert_eq!(classify("/src/app/src/lib.rs"), Some(Change::Programs));
        assert_eq!(classify("/src/Cargo.toml"), Some(Change::Programs));
        assert_eq!(classify("/src/style/node_modules/x.js"), None);
        assert_eq!(classify("/src/app/src/.lib.rs.swp"), None);
        assert_eq!(classify("/elsewhere/lib.rs"), None);
    }

    #[test]
    fn a_written_file_is_noticed() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("a path");
        std::fs::create_dir_all(root.join("app/src")).expect("folders");
        let (sender, events) = mpsc::sync_channel(8);
        let _watcher = watcher(&root, sender).expect("watching");
        std::fs::write(root.join("app/src/lib.rs"), "one").expect("written");
        let mut server = None;
        let change = next_change(&events, &mut server).expect("a change");
        assert_eq!(change, Change::Programs);
    }

    #[test]
    fn the_end_of_a_replaced_server_is_not_that_of_the_running_one() {
        let status = Command::new("true").status().expect("true runs");
        let (events, received) = mpsc::sync_channel(8);
        let next = |ended: Pid| {
            let running = rustix::process::getpid();
            let (_end, ended_channel) = mpsc::sync_channel(1);
            let mut server = Some(Server {
                pid: running,
                ended: ended_channel,
            });
            events.send(Event::Ended(ended, status)).expect("sent");
            events.send(Event::Changed(Change::Styles)).expect("sent");
            next_change(&received, &mut server).expect("a change");
            server.is_some()
        };
        assert!(next(Pid::INIT));
        assert!(!next(rustix::process::getpid()));
    }
}
