//! `cargo xtask dev`: builds and starts the server, and rebuilds after file changes. A change of
//! styles rebuilds only the style sheet. The running server reloads it and pages reload.

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
use crate::mode::Mode;
use crate::program::say;
use crate::server;
use crate::setup::{self, Consent};
use crate::web_assets::WebAssets;
use crate::workspace::Workspace;

/// Watched paths below the workspace root.
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

/// Directories that do not affect compiled programs.
const STYLES: [&str; 2] = ["public", "style"];

/// Debounce interval, since editors write several files for one change.
const DEBOUNCE: Duration = Duration::from_millis(100);

/// Time for a graceful shutdown before the server is killed. It must be longer than the server's
/// own shutdown timeout (`server/src/serve.rs`).
const STOP_TIMEOUT: Duration = Duration::from_secs(15);

/// What must be rebuilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    /// The style sheet and static files.
    Styles,
    /// The WebAssembly binary and the native binaries.
    Programs,
}

enum Event {
    Changed(Change),
    Ended(Pid, ExitStatus),
}

/// Runs until interrupted. Ctrl-C in the terminal also reaches the server.
///
/// # Errors
/// If files cannot be watched, or the server cannot be started or stopped. A build failure is
/// printed, and the next change starts another build.
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

/// The result of the last build.
struct BuildOutput {
    web_assets: WebAssets,
    server: PathBuf,
}

/// Rebuilds after a change and returns the rebuilt parts. After a failed build all are rebuilt.
/// The WebAssembly binary and the server are built concurrently.
fn build(
    workspace: &Workspace,
    consent: Consent,
    change: Change,
    before: Option<BuildOutput>,
) -> anyhow::Result<(BuildOutput, Change)> {
    if let (Change::Styles, Some(before)) = (change, before) {
        before.web_assets.restyle(workspace)?;
        return Ok((before, Change::Styles));
    }
    let (web_assets, server) = std::thread::scope(|scope| {
        let server = scope.spawn(|| Binary::Server.build(workspace, Mode::Dev));
        let web_assets = WebAssets::build(workspace, Mode::Dev, consent, &Lints::off());
        (web_assets, server.join())
    });
    let server = server.map_err(|_| anyhow::anyhow!("the build of the server panicked"))?;
    let (web_assets, server) = (web_assets?, server?);
    Ok((BuildOutput { web_assets, server }, Change::Programs))
}

/// Waits for a change and for the end of the debounce interval.
fn next_change(events: &Receiver<Event>, server: &mut Option<Server>) -> anyhow::Result<Change> {
    let mut change = None;
    loop {
        let event = match change {
            None => events.recv().map_err(RecvTimeoutError::from),
            Some(_) => events.recv_timeout(DEBOUNCE),
        };
        match event {
            Ok(Event::Changed(next)) => change = change.max(Some(next)),
            // The exit of a replaced server is ignored.
            Ok(Event::Ended(pid, status)) => {
                if server.take_if(|server| server.pid == pid).is_some() {
                    say(&format!(
                        "the server ended ({status}); the next change starts it again"
                    ));
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => anyhow::bail!("watching files stopped"),
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
            // A full queue already contains unprocessed changes, so the event can be dropped.
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

/// Maps a changed file to the required rebuild. Installed packages and hidden or backup files are
/// ignored.
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

/// A running server process. Its exit is sent as an event.
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
                // The channel is closed before the event is sent, since `stop` waits only for the
                // channel.
                drop(end);
                let _: Result<(), SendError<Event>> = events.send(Event::Ended(pid, status));
            }
        });
        Ok(Self { pid, ended })
    }

    /// Sends a signal. A process that has exited is not an error.
    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        match kill_process(self.pid, signal) {
            Err(Errno::SRCH) => Ok(()),
            result => result.context("the server cannot be signaled"),
        }
    }

    /// Stops the server gracefully with SIGTERM and kills it after a timeout.
    fn stop(self) -> anyhow::Result<()> {
        self.signal(Signal::TERM)?;
        if self.ended.recv_timeout(STOP_TIMEOUT) == Err(RecvTimeoutError::Timeout) {
            say("the server did not stop; killing it");
            self.signal(Signal::KILL)?;
            // The exit of the process closes the channel.
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
    fn changed_paths_are_classified_by_required_rebuild() {
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
    fn written_file_causes_a_change_event() {
        let folder = tempfile::tempdir().expect("a directory");
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
    fn exit_of_a_replaced_server_is_ignored() {
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
