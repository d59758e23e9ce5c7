//! The lab: a whole site on this machine, in namespaces. Builds what it is made of and starts it;
//! for people, for its journey, and for what is measured in it.

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
    command.args(["--port", &options.port.to_string()]);
    if !options.bare {
        command.args(["--stay", "--", "node", "lab/set-up.mjs"]);
    }
    program::run(&mut command)
}

/// The journey through the lab; afterwards this machine is as it was.
///
/// # Errors
/// When it fails, or something of the machine changed.
pub fn test(workspace: &Workspace, consent: Consent, filter: &[String]) -> anyhow::Result<Note> {
    let mut command = ready(workspace, consent, Mode::Release)?;
    let playwright = npm::tool(&workspace.end2end(), "playwright");
    command
        .arg("--")
        .arg(playwright)
        .args(["test", "--config", "lab/playwright.config.ts"])
        .args(filter);
    let before = machine()?;
    program::run(&mut command)?;
    let after = machine()?;
    ensure!(
        before == after,
        "the lab changed this machine. Before:\n{before}\nAfter:\n{after}"
    );
    Ok(None)
}

/// Runs a script of `end2end` within the lab. The pull of an image takes so many seconds.
///
/// # Errors
/// When it fails.
pub fn script(
    workspace: &Workspace,
    consent: Consent,
    pull: u32,
    line: &[&str],
    args: &[String],
) -> anyhow::Result<()> {
    let mut command = ready(workspace, consent, Mode::Release)?;
    command.args(["--pull", &pull.to_string(), "--"]);
    program::run(command.args(line).args(args))
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

/// What a lab must leave as it was: this machine's network, how it finds names, and which of the
/// programs run here that run in a lab.
fn machine() -> anyhow::Result<String> {
    let script = "ip -brief address; ip route; ip -brief link; \
        cat /etc/resolv.conf /etc/hosts /etc/nsswitch.conf; ls /run/netns 2>/dev/null; \
        pgrep --full --list-full 'holdfast-lab (run|inside|guest|within)' || test $? = 1";
    let said = program::output(Command::new("sh").args(["-c", script]))?;
    let text = String::from_utf8_lossy(&said).into_owned();
    // The shell that looks is no part of it.
    let lines = text.lines().filter(|line| !line.contains("pgrep"));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}
