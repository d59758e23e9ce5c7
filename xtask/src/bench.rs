//! Measurements and screenshots: builds what each needs and hands over. Standard output is the
//! measuring program's alone: lines of `figure value unit`. A measurement that does not print each of
//! its figures fails. With `--smoke` every measurement does little and takes seconds, which shows that
//! it works and says nothing about speed.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, bail, ensure};
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

/// The argument by which a measurement only shows that it works.
const SMOKE: &str = "--smoke";

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
}

impl Bench {
    /// The figures that it prints, also with `--smoke`.
    pub fn figures(self) -> &'static [&'static str] {
        match self {
            Self::FirstVisit => &[
                "first_visit_bytes",
                "first_visit_requests",
                "first_visit_usable",
                "second_page_bytes",
                "second_page_requests",
            ],
            Self::Create => &["create_seconds", "create_ideal_seconds", "create_ratio"],
            Self::ListPage => &[
                "list_page_statements",
                "list_page_p50_ms",
                "list_page_p95_ms",
                "list_page_per_second",
            ],
            Self::Render => &[
                "render_files",
                "render_bytes",
                "render_ms",
                "render_ejs_ms",
                "render_ratio",
                "snapshot_10k_ms",
            ],
            Self::Publish => &[
                "publish_first_ms",
                "publish_services",
                "publish_changes",
                "publish_p50_ms",
                "publish_p95_ms",
                "publish_max_ms",
                "publish_peer_looks_p50_ms",
                "publish_peer_ratio",
            ],
            Self::Minute => &["minute_s"],
        }
    }

    /// Fails unless every figure is among these lines, once, with a number and a unit.
    fn check(self, lines: &[String]) -> anyhow::Result<()> {
        for figure in self.figures() {
            let mut values = lines.iter().filter_map(|line| {
                let mut words = line.split_whitespace();
                (words.next() == Some(figure)).then(|| (words.next(), words.next()))
            });
            let (Some((Some(value), Some(_))), None) = (values.next(), values.next()) else {
                bail!("the figure {figure} is not printed once, as `{figure} value unit`");
            };
            let number: f64 = value
                .parse()
                .with_context(|| format!("the figure {figure} is {value}"))?;
            ensure!(number.is_finite(), "the figure {figure} is {value}");
        }
        Ok(())
    }
}

/// Measures.
///
/// # Errors
/// When the build or the measuring program fails, or a figure is missing.
pub fn run(
    workspace: &Workspace,
    consent: Consent,
    mode: Mode,
    bench: Bench,
    args: &[String],
) -> anyhow::Result<()> {
    let lines = match bench {
        Bench::FirstVisit => program::lines(&mut script(
            workspace,
            consent,
            mode,
            "bench/first-visit.mjs",
            args,
        )?),
        Bench::Create => example(workspace, consent, mode, "bench_create", args),
        Bench::ListPage => example(workspace, consent, mode, "bench_list_page", args),
        Bench::Render => render(workspace, mode, args).and_then(|mut lines| {
            lines.extend(example(workspace, consent, mode, "bench_snapshot", args)?);
            Ok(lines)
        }),
        Bench::Publish => publish(workspace, consent, mode, args),
        Bench::Minute => {
            let smoke = args.iter().any(|arg| arg == SMOKE);
            let pull = if smoke { 0 } else { PULL };
            let line = ["node", "bench/minute.mjs"];
            program::lines(&mut lab::script(
                workspace, consent, mode, pull, &line, args,
            )?)
        }
    }?;
    bench.check(&lines)
}

/// Builds the manager's part and the agent, and runs both as the one host of namespaces of its own.
fn publish(
    workspace: &Workspace,
    consent: Consent,
    mode: Mode,
    args: &[String],
) -> anyhow::Result<Vec<String>> {
    setup::ensure(lab::NEEDS, consent)?;
    let agent = Binary::Agent.build(workspace, mode)?;
    let bench = built(workspace, consent, mode, "bench_publish")?;
    let script = "mount -t tmpfs run /run && ip link set lo up && exec \"$0\" \"$@\"";
    let mut command = Command::new("unshare");
    command
        .args(["--net", "--mount", "--pid", "--fork", "--kill-child"])
        .args(["--mount-proc", "sh", "-c", script])
        .arg(bench)
        .arg(agent);
    program::lines(command.current_dir(workspace.root()).args(args))
}

/// Takes the screenshots.
///
/// # Errors
/// When the build or the script fails.
pub fn shots(workspace: &Workspace, consent: Consent, args: &[String]) -> anyhow::Result<()> {
    program::run(&mut script(
        workspace,
        consent,
        Mode::Release,
        "shots.mjs",
        args,
    )?)
}

/// A script of `end2end`, once what it needs is built.
fn script(
    workspace: &Workspace,
    consent: Consent,
    mode: Mode,
    file: &str,
    args: &[String],
) -> anyhow::Result<Command> {
    let mut node = Command::new("node");
    node.arg(file).args(args);
    test::in_end2end(workspace, consent, mode, node)
}

/// The peer is a program for Node, so its packages come first.
fn render(workspace: &Workspace, mode: Mode, args: &[String]) -> anyhow::Result<Vec<String>> {
    npm::ensure(&workspace.end2end())?;
    let mut cargo = Cargo::Default.command();
    cargo.current_dir(workspace.root()).arg("run");
    if mode == Mode::Release {
        cargo.arg("--release");
    }
    cargo.args(["--package", "edge", "--example", "bench_render", "--"]);
    program::lines(cargo.arg("end2end/bench/render.mjs").args(args))
}

/// Builds an example of the server and runs it without the build's variables.
fn example(
    workspace: &Workspace,
    consent: Consent,
    mode: Mode,
    name: &str,
    args: &[String],
) -> anyhow::Result<Vec<String>> {
    let mut command = Command::new(built(workspace, consent, mode, name)?);
    program::lines(command.current_dir(workspace.root()).args(args))
}

/// Builds an example of the server as the server itself is built, so that they share their
/// dependencies.
fn built(
    workspace: &Workspace,
    consent: Consent,
    mode: Mode,
    name: &str,
) -> anyhow::Result<PathBuf> {
    setup::ensure(setup::BUILD, consent)?;
    let site = site::build(workspace, mode, consent)?;
    Binary::Example(name, &site).build(workspace, mode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bench_must_print_each_figure_once_as_a_number_with_a_unit() {
        let check = |text: &str| {
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            Bench::Minute.check(&lines).is_ok()
        };
        assert!(check("resource 5 bytes /x\nminute_s 41.5 s"));
        assert!(!check(""));
        assert!(!check("minute_s 41.5"));
        assert!(!check("minute_s NaN s"));
        assert!(!check("minute_s_more 41.5 s"));
        assert!(!check("minute_s 41.5 s\nminute_s 41.5 s"));
    }

    #[test]
    fn a_figure_belongs_to_one_bench() {
        let benches = Bench::value_variants().iter();
        let all: Vec<&str> = benches.flat_map(|bench| bench.figures()).copied().collect();
        let unique: std::collections::BTreeSet<&str> = all.iter().copied().collect();
        assert_eq!(all.len(), unique.len());
    }
}
