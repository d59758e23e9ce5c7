//! A separate host for one test: the test runs itself again in its own network, mount and PID
//! namespaces, which are removed when it ends.

use std::{
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

const INSIDE: &str = "HOLDFAST_TEST_INSIDE";

/// The file that the test in the namespaces creates once its body has run.
const DONE: &str = "HOLDFAST_TEST_DONE";

/// Runs `body` in separate namespaces. `name` is the full name of the test.
///
/// # Panics
/// If the test fails there, the namespaces cannot be created, or no test has that name.
pub fn inside(name: &str, body: impl FnOnce(&Path)) {
    if std::env::var(INSIDE).is_ok_and(|inside| inside == name) {
        let folder = tempfile::tempdir_in("/run").unwrap();
        run("ip link set lo up");
        body(folder.path());
        std::fs::write(std::env::var_os(DONE).unwrap(), "").unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let done = folder.path().join("done");
    let mut command = if rustix::process::geteuid().is_root() {
        Command::new("unshare")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["--preserve-env", "unshare"]);
        sudo
    };
    // /run is private, so that the test may use any path there. --kill-child stops remaining
    // processes.
    let script =
        "mount -t tmpfs run /run && exec \"$0\" --exact \"$1\" --nocapture --include-ignored";
    command
        .args(["--net", "--mount", "--pid", "--fork", "--kill-child"])
        .args(["--mount-proc", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .arg(name)
        .env(INSIDE, name)
        .env(DONE, &done)
        .env(
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        );
    let status = command
        .status()
        .expect("unshare (util-linux) must run as root");
    assert!(status.success(), "{name}: {status}");
    // A filter that matches no test succeeds too.
    assert!(done.exists(), "{name} is not the name of this test");
}

/// Runs a command line and returns its standard output.
///
/// # Panics
/// If it fails.
pub fn run(line: &str) -> String {
    let output = try_run(line);
    assert!(
        output.status.success(),
        "{line}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command line and returns its output and exit status.
///
/// # Panics
/// If there is no shell.
pub fn try_run(line: &str) -> Output {
    Command::new("sh").args(["-c", line]).output().unwrap()
}

/// A child process that is killed when dropped.
pub struct ChildProcess(Child);

impl ChildProcess {
    /// Starts a command line.
    ///
    /// # Panics
    /// If there is no shell.
    pub fn start(line: &str) -> Self {
        let exec = format!("exec {line}");
        let child = Command::new("sh")
            .args(["-c", &exec])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// Sends SIGHUP to reload the configuration.
    pub fn reload(&self) {
        run(&format!("kill -HUP {}", self.0.id()));
    }
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Polls until `poll` returns a value, for at most 60 s.
///
/// # Panics
/// After the timeout.
#[expect(
    clippy::disallowed_methods,
    reason = "tests call this on blocking threads"
)]
pub fn wait_until<T>(what: &str, mut poll: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(60) {
        if let Some(value) = poll() {
            return value;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("timed out waiting for {what}");
}
