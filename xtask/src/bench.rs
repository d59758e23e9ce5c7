//! Benchmarks and screenshots: builds the required programs and runs them. Standard output contains
//! only the benchmark's lines of `figure value unit`. A benchmark that omits one of its figures
//! fails. With `--smoke` every benchmark runs a minimal workload, which only verifies that the
//! benchmark works.

use std::process::Command;

use anyhow::{Context, bail, ensure};
use clap::ValueEnum;

use crate::binaries::{Binary, Programs};
use crate::browser;
use crate::lab;
use crate::mode::Mode;
use crate::npm;
use crate::program;
use crate::report::Report;
use crate::setup::{self, Consent};
use crate::workspace::Workspace;

/// Duration in seconds of the simulated image pull in the `time-to-serve` benchmark.
const PULL: u32 = 10;

/// The argument that selects the minimal workload.
const SMOKE: &str = "--smoke";

/// The benchmarks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Bench {
    /// Downloads of a first visit, and the time until the page is usable
    FirstVisit,
    /// Time from the request for a container until it is running
    Create,
    /// Time to serve one page of a long list
    ListPage,
    /// Time to render the files of 20,000 services, compared with EJS, and to read the site
    /// configuration of 10,000 services from the database
    Render,
    /// Time from a change until an edge host serves it; requires root
    Publish,
    /// Time from Create to a page over TLS, in the lab; requires root
    TimeToServe,
    /// Start time of the program, and its memory after 1,000 page views; after a few with
    /// `--smoke`
    Idle,
}

impl Bench {
    /// The figures that the benchmark prints, also with `--smoke`.
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
                "site_config_10k_ms",
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
            Self::TimeToServe => &["time_to_serve"],
            Self::Idle => &[
                "start_ms",
                "idle_memory_mb",
                "start_demo_ms",
                "idle_memory_demo_mb",
            ],
        }
    }

    /// Whether the benchmark creates namespaces, which requires root.
    fn needs_root(self) -> bool {
        matches!(self, Self::Publish | Self::TimeToServe)
    }

    /// Fails unless these lines contain every figure exactly once, with a number and a unit.
    fn check(self, lines: &[String]) -> anyhow::Result<()> {
        for figure in self.figures() {
            let mut values = lines.iter().filter_map(|line| {
                let mut columns = line.split_whitespace();
                (columns.next() == Some(figure)).then(|| (columns.next(), columns.next()))
            });
            let (Some((Some(value), Some(_))), None) = (values.next(), values.next()) else {
                bail!("the figure {figure} is not printed exactly once as `{figure} value unit`");
            };
            let number: f64 = value
                .parse()
                .with_context(|| format!("the figure {figure} is {value}"))?;
            ensure!(number.is_finite(), "the figure {figure} is {value}");
        }
        Ok(())
    }
}

/// The common parameters of all benchmarks.
struct Run<'a> {
    workspace: &'a Workspace,
    consent: Consent,
    programs: &'a Programs<'a>,
    args: &'a [String],
}

/// Runs a benchmark with programs built in this mode.
///
/// # Errors
/// If the build or the benchmark fails, or a figure is missing.
pub fn run(
    workspace: &Workspace,
    consent: Consent,
    mode: Mode,
    bench: Bench,
    args: &[String],
) -> anyhow::Result<()> {
    let programs = Programs::Build {
        workspace,
        consent,
        mode,
    };
    measure(workspace, consent, &programs, bench, args)
}

/// Runs every benchmark with `--smoke` on programs that are already built.
///
/// # Errors
/// Lists the benchmarks that failed.
pub fn smoke(
    workspace: &Workspace,
    consent: Consent,
    programs: &Programs,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut failed = Vec::new();
    let is_root = rustix::process::geteuid().is_root();
    for bench in Bench::value_variants() {
        if bench.needs_root() && !is_root {
            let name = bench.to_possible_value();
            let name = name.as_ref().map_or("", |name| name.get_name());
            report
                .unchecked
                .insert(format!("bench {name} (needs root)"));
            continue;
        }
        report.tests += 1;
        let args = [SMOKE.to_owned()];
        if let Err(error) = measure(workspace, consent, programs, *bench, &args) {
            failed.push(format!("{bench:?}: {error:#}"));
        }
    }
    ensure!(failed.is_empty(), "{}", failed.join("; "));
    Ok(())
}

fn measure(
    workspace: &Workspace,
    consent: Consent,
    programs: &Programs,
    bench: Bench,
    args: &[String],
) -> anyhow::Result<()> {
    let run = Run {
        workspace,
        consent,
        programs,
        args,
    };
    let lines = match bench {
        Bench::FirstVisit => program::lines(&mut run.script("bench/first-visit.mjs")?),
        Bench::Create => run.example("bench_create", &[]),
        Bench::ListPage => run.example("bench_list_page", &[]),
        Bench::Render => run.render(),
        Bench::Publish => run.publish(),
        Bench::TimeToServe => run.time_to_serve(),
        Bench::Idle => program::lines(&mut run.script("bench/idle.mjs")?),
    }?;
    bench.check(&lines)
}

/// Takes the screenshots.
///
/// # Errors
/// If the build or the script fails.
pub fn shots(
    workspace: &Workspace,
    consent: Consent,
    mode: Mode,
    args: &[String],
) -> anyhow::Result<()> {
    let programs = &Programs::Build {
        workspace,
        consent,
        mode,
    };
    let run = Run {
        workspace,
        consent,
        programs,
        args,
    };
    program::run(&mut run.script("shots.mjs")?)
}

impl Run<'_> {
    /// Builds the server and returns the command for a script of `end2end`.
    fn script(&self, file: &str) -> anyhow::Result<Command> {
        let mut node = Command::new("node");
        node.arg(file).args(self.args);
        let binary = self.programs.path(Binary::Server)?;
        browser::prepare(self.workspace, self.consent, &binary, &mut node)?;
        Ok(node)
    }

    fn example(&self, name: &'static str, first: &[&str]) -> anyhow::Result<Vec<String>> {
        let mut command = Command::new(self.programs.path(Binary::Example(name))?);
        command.current_dir(self.workspace.root());
        program::lines(command.args(first).args(self.args))
    }

    /// Installs the npm packages first, since the reference implementation is a Node.js program.
    fn render(&self) -> anyhow::Result<Vec<String>> {
        npm::ensure(&self.workspace.end2end())?;
        let mut lines = self.example("bench_render", &["end2end/bench/render.mjs"])?;
        lines.extend(self.example("bench_site_config", &[])?);
        Ok(lines)
    }

    /// Runs the manager's part and the agent in new namespaces.
    fn publish(&self) -> anyhow::Result<Vec<String>> {
        setup::ensure(lab::NEEDS, self.consent)?;
        let script = "mount -t tmpfs run /run && ip link set lo up && exec \"$0\" \"$@\"";
        let mut command = Command::new("unshare");
        command
            .current_dir(self.workspace.root())
            .args(["--net", "--mount", "--pid", "--fork", "--kill-child"])
            .args(["--mount-proc", "sh", "-c", script])
            .arg(self.programs.path(Binary::Example("bench_publish"))?)
            .arg(self.programs.path(Binary::Agent)?);
        program::lines(command.args(self.args))
    }

    fn time_to_serve(&self) -> anyhow::Result<Vec<String>> {
        let is_smoke = self.args.iter().any(|arg| arg == SMOKE);
        let pull = if is_smoke { 0 } else { PULL };
        let line = ["node", "bench/time-to-serve.mjs"];
        let (workspace, consent) = (self.workspace, self.consent);
        let mut lab = lab::script(workspace, consent, self.programs, pull, &line, self.args)?;
        program::lines(&mut lab)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn benchmark_prints_each_figure_once_with_number_and_unit() {
        let check = |text: &str| {
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            Bench::TimeToServe.check(&lines).is_ok()
        };
        assert!(check("resource 5 bytes /x\ntime_to_serve 41.5 s"));
        assert!(!check(""));
        assert!(!check("time_to_serve 41.5"));
        assert!(!check("time_to_serve NaN s"));
        assert!(!check("time_to_serve_more 41.5 s"));
        assert!(!check("time_to_serve 41.5 s\ntime_to_serve 41.5 s"));
    }

    #[test]
    fn figure_names_are_unique() {
        let benches = Bench::value_variants().iter();
        let all: Vec<&str> = benches.flat_map(|bench| bench.figures()).copied().collect();
        let unique: std::collections::BTreeSet<&str> = all.iter().copied().collect();
        assert_eq!(all.len(), unique.len());
    }
}
