//! The lab: a whole site on this machine, in namespaces. Builds what it is made of and starts it;
//! for people, for its journey, and for what is measured in it.

use std::io::Write as _;
use std::num::NonZeroU32;
use std::process::Command;

use anyhow::ensure;
use clap::Args;

use crate::binaries::Binary;
use crate::npm;
use crate::program;
use crate::server::{self, Mode};
use crate::setup::{self, Consent, Need};
use crate::test::Note;
use crate::workspace::Workspace;

/// What it runs, beyond what a build needs.
pub const NEEDS: &[Need] = &[
    Need::Nginx,
    Need::NginxStream,
    Need::Dnsmasq,
    Need::Dig,
    Need::Dhclient,
    Need::Curl,
    Need::Bind,
    Need::Pebble,
    Need::Openssl,
    Need::Iproute,
    Need::Unshare,
    Need::Procps,
    Need::Chromium,
];

/// How to start it for a person.
#[derive(Args)]
pub struct Options {
    /// The port of this machine at which Holdfast is reached
    #[arg(long, default_value_t = 3443)]
    port: u16,
    /// Make no site: an empty Holdfast, a cluster and an edge host that has not joined
    #[arg(long)]
    bare: bool,
    /// Start a new lab this many times, run the browser's network check in each, and count failures
    #[arg(long, value_name = "STARTS", conflicts_with_all = ["port", "bare"])]
    repeat: Option<NonZeroU32>,
}

/// Builds the lab, makes a site in it, and stays until Ctrl-C.
///
/// # Errors
/// When something is missing, or a step fails.
pub fn run(
    workspace: &Workspace,
    consent: Consent,
    mode: Mode,
    options: &Options,
) -> anyhow::Result<()> {
    let mut command = ready(workspace, consent, mode)?;
    if let Some(starts) = options.repeat {
        playwright(&mut command, workspace).args(["--project", "network"]);
        return repeat(&mut command, starts);
    }
    command.args(["--port", &options.port.to_string()]);
    if !options.bare {
        command.args(["--stay", "--", "node", "lab/set-up.mjs"]);
    }
    program::run(&mut command)
}

/// Runs the command so often and prints how many of the runs failed, as `figure value unit`.
///
/// # Errors
/// When a run failed.
fn repeat(command: &mut Command, starts: NonZeroU32) -> anyhow::Result<()> {
    let mut failed = 0;
    for start in 1..=starts.get() {
        program::say(&format!("lab start {start} of {starts}"));
        if let Err(error) = program::run(command) {
            program::say(&format!("{error:#}"));
            failed += 1;
        }
    }
    let mut out = std::io::stdout();
    writeln!(out, "lab_starts {starts} starts")?;
    writeln!(out, "lab_failed_starts {failed} starts")?;
    ensure!(failed == 0, "{failed} of {starts} starts failed");
    Ok(())
}

/// The tests in the lab, which must leave nothing behind: see [`CHECK_LEFTOVERS`].
///
/// # Errors
/// When a test fails, or something is left behind.
pub fn test(workspace: &Workspace, consent: Consent, filter: &[String]) -> anyhow::Result<Note> {
    let mut lab = ready(workspace, consent, Mode::Release)?;
    playwright(&mut lab, workspace).args(filter);
    program::run(&mut checked(&lab))?;
    Ok(None)
}

/// Has the lab run Playwright with its own tests.
fn playwright<'a>(lab: &'a mut Command, workspace: &Workspace) -> &'a mut Command {
    lab.arg("--")
        .arg(npm::tool(&workspace.end2end(), "playwright"))
        .args(["test", "--config", "lab/playwright.config.ts"])
}

/// Runs its arguments and fails when they fail, or when the network, the mounts, the processes, or the
/// files by which names are resolved are not what they were before. It runs in namespaces of its own,
/// so that a difference is the lab's own, whatever else runs on this machine at the same time.
const CHECK_LEFTOVERS: &str = r#"
state() {
    ip -brief address; ip -4 route; ip -6 route; ip -brief link; ls /run/netns 2>/dev/null
    cat /etc/resolv.conf /etc/hosts /etc/nsswitch.conf /proc/mounts
    ps --no-headers -e -o comm
}
ip link set lo up || exit
before=$(state)
"$@" || exit
after=$(state)
[ "$before" = "$after" ] && exit
printf 'the lab left something behind. Before:\n%s\nAfter:\n%s\n' "$before" "$after" >&2
exit 1
"#;

/// The lab within [`CHECK_LEFTOVERS`].
fn checked(lab: &Command) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(["--net", "--pid", "--fork", "--kill-child"])
        .args(["--mount", "--mount-proc"])
        .args(["sh", "-c", CHECK_LEFTOVERS, "check"])
        .arg(lab.get_program())
        .args(lab.get_args())
        .envs(
            lab.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
    if let Some(folder) = lab.get_current_dir() {
        command.current_dir(folder);
    }
    command
}

/// A command that runs a program of `end2end` within the lab, once everything is built. The simulated
/// pull of an image takes so many seconds.
///
/// # Errors
/// When something cannot be built.
pub fn script(
    workspace: &Workspace,
    consent: Consent,
    mode: Mode,
    pull: u32,
    line: &[&str],
    args: &[String],
) -> anyhow::Result<Command> {
    let mut command = ready(workspace, consent, mode)?;
    command.args(["--pull", &pull.to_string(), "--"]);
    command.args(line).args(args);
    Ok(command)
}

/// `holdfast-lab run`, once everything is built.
fn ready(workspace: &Workspace, consent: Consent, mode: Mode) -> anyhow::Result<Command> {
    setup::ensure(NEEDS, consent)?;
    let lab = Binary::Lab.build(workspace, mode)?;
    // What cannot be had is told before the longest build.
    program::run(Command::new(&lab).arg("check"))?;
    let agent = Binary::Agent.build(workspace, mode)?;
    let holdfast = server::build(workspace, mode, consent)?;
    npm::ensure(&workspace.end2end())?;
    let mut command = Command::new(lab);
    command
        .current_dir(workspace.end2end())
        .arg("run")
        .arg("--holdfast")
        .arg(holdfast)
        .arg("--agent")
        .arg(agent);
    if let Some(chromium) = program::find("chromium") {
        command.env("E2E_CHROMIUM", chromium);
    }
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the check passes when this line of shell runs in the place of the lab.
    fn passes(line: &str) -> bool {
        let mut lab = Command::new("sh");
        lab.args(["-c", line]);
        let check = checked(&lab);
        // Root of a user namespace of its own may do what the check does, whoever runs the tests.
        let mut command = Command::new("unshare");
        command.arg("--map-root-user").arg(check.get_program());
        program::succeeds(command.args(check.get_args()))
    }

    #[test]
    fn what_a_lab_leaves_behind_fails_its_test() {
        assert!(passes("true"));
        assert!(!passes("exit 3"));
        assert!(!passes("ip link add left0 type veth peer name left1"));
        assert!(!passes("ip address add 192.0.2.9/32 dev lo"));
        assert!(!passes("ip route add 192.0.2.0/24 dev lo"));
        assert!(!passes("mount -t tmpfs left /mnt"));
        assert!(!passes("sleep 600 >/dev/null 2>&1 &"));
    }
}
