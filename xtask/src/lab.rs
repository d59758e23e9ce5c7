//! The lab: a complete site in namespaces of this machine. Builds its programs and starts it for
//! manual use, for its tests and for benchmarks.

use std::io::Write as _;
use std::num::NonZeroU32;
use std::process::Command;

use anyhow::ensure;
use clap::Args;

use crate::binaries::{Binary, Programs};
use crate::browser;
use crate::mode::Mode;
use crate::npm;
use crate::program;
use crate::report::Report;
use crate::setup::{self, Consent, Need};
use crate::workspace::Workspace;

/// Packages that the lab needs at run time.
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

/// Options of `cargo xtask lab`.
#[derive(Args)]
pub struct Options {
    /// The local port of Holdfast
    #[arg(long, default_value_t = 3443)]
    port: u16,
    /// Create no site: an empty Holdfast, a cluster and an edge host that has not joined
    #[arg(long)]
    bare: bool,
    /// Start a new lab this many times, run the browser's network check in each, and count failures
    #[arg(long, value_name = "STARTS", conflicts_with_all = ["port", "bare"])]
    repeat: Option<NonZeroU32>,
}

/// Builds the lab, creates a site in it and runs until Ctrl-C.
///
/// # Errors
/// If a program is missing or a step fails.
pub fn run(
    workspace: &Workspace,
    consent: Consent,
    mode: Mode,
    options: &Options,
) -> anyhow::Result<()> {
    setup::ensure(NEEDS, consent)?;
    let programs = Programs::Build {
        workspace,
        consent,
        mode,
    };
    let mut command = command(workspace, &programs)?;
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

/// Runs the command `starts` times and prints the number of failures as `figure value unit`.
///
/// # Errors
/// If any run failed.
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

/// Runs the tests in the lab. They must leave nothing behind, see [`CHECK_LEFTOVERS`].
///
/// # Errors
/// If a test fails, or something is left behind.
pub fn test(
    workspace: &Workspace,
    consent: Consent,
    programs: &Programs,
    filter: &[String],
    report: &mut Report,
) -> anyhow::Result<()> {
    setup::ensure(NEEDS, consent)?;
    let mut lab = command(workspace, programs)?;
    playwright(&mut lab, workspace).args(filter);
    browser::run(&mut checked(&lab), report)
}

/// Adds the arguments that run the lab's Playwright tests.
fn playwright<'a>(lab: &'a mut Command, workspace: &Workspace) -> &'a mut Command {
    lab.arg("--")
        .arg(npm::tool(&workspace.end2end(), "playwright"))
        .args(["test", "--config", "lab/playwright.config.ts"])
}

/// Runs its arguments as a command. Fails if the command fails or if it changed the network, the
/// mounts, the processes or the resolver files. Runs in new namespaces, so that other processes of
/// the machine cause no difference.
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

/// Wraps the lab's command in [`CHECK_LEFTOVERS`].
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

/// Returns a command that runs a program of `end2end` within the lab. `pull` is the duration of the
/// simulated image pull in seconds.
///
/// # Errors
/// If a program is missing or cannot be built.
pub fn script(
    workspace: &Workspace,
    consent: Consent,
    programs: &Programs,
    pull: u32,
    line: &[&str],
    args: &[String],
) -> anyhow::Result<Command> {
    setup::ensure(NEEDS, consent)?;
    let mut command = command(workspace, programs)?;
    command.args(["--pull", &pull.to_string(), "--"]);
    command.args(line).args(args);
    Ok(command)
}

/// Returns the command `holdfast-lab run` with its programs. Checks whether this machine can run a
/// lab before the longest build.
fn command(workspace: &Workspace, programs: &Programs) -> anyhow::Result<Command> {
    let lab = programs.path(Binary::Lab)?;
    program::run(Command::new(&lab).arg("check"))?;
    npm::ensure(&workspace.end2end())?;
    let mut command = Command::new(lab);
    command
        .current_dir(workspace.end2end())
        .arg("run")
        .arg("--agent")
        .arg(programs.path(Binary::Agent)?)
        .arg("--holdfastd")
        .arg(programs.path(Binary::Server)?);
    if let Some(chromium) = program::find("chromium") {
        command.env("E2E_CHROMIUM", chromium);
    }
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns whether the check passes with this shell command in place of the lab.
    fn passes(line: &str) -> bool {
        let mut lab = Command::new("sh");
        lab.args(["-c", line]);
        let check = checked(&lab);
        // A user namespace grants the required privileges to unprivileged users.
        let mut command = Command::new("unshare");
        command.arg("--map-root-user").arg(check.get_program());
        program::succeeds(command.args(check.get_args()))
    }

    #[test]
    fn leftovers_of_the_lab_fail_its_test() {
        assert!(passes("true"));
        assert!(!passes("exit 3"));
        assert!(!passes("ip link add left0 type veth peer name left1"));
        assert!(!passes("ip address add 192.0.2.9/32 dev lo"));
        assert!(!passes("ip route add 192.0.2.0/24 dev lo"));
        assert!(!passes("mount -t tmpfs left /mnt"));
        assert!(!passes("sleep 600 >/dev/null 2>&1 &"));
    }
}
