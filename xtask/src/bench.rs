//! Measurements and screenshots: builds what each needs and hands over. Standard output is the
//! measuring program's alone: lines of `figure value unit`.

use std::path::PathBuf;
use std::process::Command;

use clap::ValueEnum;

use crate::binaries::Binary;
use crate::lab;
use crate::npm;
use crate::program::{self, Cargo};
use crate::server::Mode;
use crate::setup::{self, Consent};
use crate::workspace::Workspace;
use crate::{site, test};

/// How many seconds the simulated pull of an image takes where a minute is measured.
const PULL: u32 = 10;

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Bench {
    /// What a first visit downloads, and how long until the page can be used
    FirstVisit,
    /// How long a container takes from the request to running
    Create,
    /// How long a page of a long list takes
    ListPage,
    /// How long the files of 20,000 services take, beside EJS, and what they are made of: the
    /// snapshot of 10,000 from the database
    Render,
    /// How long a change takes until an edge host answers with it; as root
    Publish,
    /// How long it is from pressing Create to a page over TLS, in the lab; as root
    Minute,
    /// How long the program takes to start, and how much memory it keeps after 1,000 views of
    /// pages; with `--smoke` after a few
    Idle,
}

/// Measures.
///
/// # Errors
/// When the build or the measuring program fails.
pub fn run(
    workspace: &Workspace,
    consent: Consent,
    bench: Bench,
    args: &[String],
) -> anyhow::Result<()> {
    match bench {
        Bench::FirstVisit => script(workspace, consent, "bench/first-visit.mjs", args),
        Bench::Create => example(workspace, consent, "bench_create", args),
        Bench::ListPage => example(workspace, consent, "bench_list_page", args),
        Bench::Render => {
            render(workspace, args)?;
            example(workspace, consent, "bench_snapshot", &[])
        }
        Bench::Publish => publish(workspace, consent, args),
        Bench::Minute => lab::script(
            workspace,
            consent,
            PULL,
            &["node", "bench/minute.mjs"],
            args,
        ),
        Bench::Idle => script(workspace, consent, "bench/idle.mjs", args),
    }
}

/// Builds the manager's part and the agent, and runs both as the one host of namespaces of its own.
fn publish(workspace: &Workspace, consent: Consent, args: &[String]) -> anyhow::Result<()> {
    setup::ensure(lab::NEEDS, consent)?;
    let agent = Binary::Agent.build(workspace, Mode::Release)?;
    let bench = built(workspace, consent, "bench_publish")?;
    let script = "mount -t tmpfs run /run && ip link set lo up && exec \"$0\" \"$@\"";
    let mut command = Command::new("unshare");
    command
        .args(["--net", "--mount", "--pid", "--fork", "--kill-child"])
        .args(["--mount-proc", "sh", "-c", script])
        .arg(bench)
        .arg(agent);
    program::run(command.current_dir(workspace.root()).args(args))
}

/// Takes the screenshots.
///
/// # Errors
/// When the build or the script fails.
pub fn shots(workspace: &Workspace, consent: Consent, args: &[String]) -> anyhow::Result<()> {
    script(workspace, consent, "shots.mjs", args)
}

fn script(
    workspace: &Workspace,
    consent: Consent,
    file: &str,
    args: &[String],
) -> anyhow::Result<()> {
    let mut node = Command::new("node");
    node.arg(file).args(args);
    program::run(&mut test::in_end2end(workspace, consent, node)?)
}

/// The peer is a program for Node, so its packages come first.
fn render(workspace: &Workspace, args: &[String]) -> anyhow::Result<()> {
    npm::ensure(&workspace.end2end())?;
    let mut cargo = Cargo::Default.command();
    cargo.current_dir(workspace.root()).args([
        "run",
        "--release",
        "--package",
        "edge",
        "--example",
        "bench_render",
        "--",
        "end2end/bench/render.mjs",
    ]);
    program::run(cargo.args(args))
}

/// Builds an example of the server and runs it without the build's variables.
fn example(
    workspace: &Workspace,
    consent: Consent,
    name: &str,
    args: &[String],
) -> anyhow::Result<()> {
    let mut command = Command::new(built(workspace, consent, name)?);
    program::run(command.current_dir(workspace.root()).args(args))
}

/// Builds an example of the server as the server itself is built, so that they share their
/// dependencies.
fn built(workspace: &Workspace, consent: Consent, name: &str) -> anyhow::Result<PathBuf> {
    setup::ensure(setup::BUILD, consent)?;
    let site = site::build(workspace, Mode::Release, consent)?;
    Binary::Example(name, &site).build(workspace, Mode::Release)
}
