//! Measurements and screenshots: builds what each needs and hands over. Standard output is the
//! measuring program's alone: lines of `figure value unit`.

use std::process::Command;

use clap::ValueEnum;

use crate::npm;
use crate::program::{self, Cargo};
use crate::setup::{self, Consent};
use crate::workspace::Workspace;
use crate::{server, site, test};

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Bench {
    /// What a first visit downloads, and how long until the page can be used
    FirstVisit,
    /// How long a container takes from the request to running
    Create,
    /// How long a page of a long list takes
    ListPage,
    /// How long the files of 20,000 services take, beside EJS
    Render,
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
        Bench::Render => render(workspace, args),
    }
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

/// Builds an example of the server as the server itself is built, so that they share their
/// dependencies, then runs it without the build's variables.
fn example(
    workspace: &Workspace,
    consent: Consent,
    name: &str,
    args: &[String],
) -> anyhow::Result<()> {
    setup::ensure(setup::BUILD, consent)?;
    let site = site::build(workspace, server::Mode::Release, consent)?;
    let mut cargo = Cargo::Default.command();
    cargo
        .current_dir(workspace.root())
        .env("HOLDFAST_SITE", site)
        .args([
            "build",
            "--release",
            "--package",
            "server",
            "--example",
            name,
        ]);
    program::run(&mut cargo)?;
    let mut command = Command::new(workspace.target().join("release/examples").join(name));
    program::run(command.current_dir(workspace.root()).args(args))
}
