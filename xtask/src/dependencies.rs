//! Checks the dependencies between the crates of the workspace against the column `may use` of the
//! table in `docs/ARCHITECTURE.md`. Dependencies of tests are free.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use crate::program::{self, Cargo};
use crate::workspace::Workspace;

/// The first line of the table.
const HEADER: &str = "| directory | contents | may use |";

/// A crate of the workspace.
struct Crate {
    name: String,
    /// The directory, relative to the workspace.
    folder: String,
    /// The crates of the workspace that the crate or its build script depends on.
    uses: BTreeSet<String>,
}

/// A row of the table.
struct Row {
    folders: Vec<String>,
    may_use: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// `dev`, `build`, or none for a normal dependency.
    kind: Option<String>,
    /// Only crates of the workspace have a path.
    path: Option<PathBuf>,
}

/// Checks the workspace.
///
/// # Errors
/// When a crate uses one that the table does not permit, or the table does not fit the workspace;
/// the error names each problem.
pub fn check(workspace: &Workspace) -> anyhow::Result<()> {
    let document = workspace.root().join("docs/ARCHITECTURE.md");
    let text = std::fs::read_to_string(&document)
        .with_context(|| format!("{} cannot be read", document.display()))?;
    let mut command = Cargo::Default.command();
    command
        .current_dir(workspace.root())
        .args(["metadata", "--no-deps", "--format-version", "1"]);
    let metadata = serde_json::from_slice(&program::output(&mut command)?)
        .context("cargo metadata printed unexpected output")?;
    let problems = problems(&rows(&text)?, &crates(workspace.root(), metadata));
    if !problems.is_empty() {
        bail!(
            "the crates differ from the table in docs/ARCHITECTURE.md:\n{}",
            problems.join("\n")
        );
    }
    Ok(())
}

/// Reads the rows of the table.
fn rows(text: &str) -> anyhow::Result<Vec<Row>> {
    let lines = text.lines().skip_while(|line| *line != HEADER).skip(2);
    let rows: Vec<Row> = lines
        .map_while(|line| line.strip_prefix('|')?.strip_suffix('|'))
        .map(|line| {
            let mut cells = line.split('|');
            Row {
                folders: code_spans(cells.next().unwrap_or_default()),
                may_use: code_spans(cells.nth(1).unwrap_or_default()),
            }
        })
        .collect();
    ensure!(
        !rows.is_empty(),
        "docs/ARCHITECTURE.md has no table that begins with {HEADER:?}"
    );
    Ok(rows)
}

/// The texts in code font.
fn code_spans(cell: &str) -> Vec<String> {
    let spans = cell.split('`').skip(1).step_by(2);
    spans.map(str::to_owned).collect()
}

fn crates(root: &Path, metadata: Metadata) -> Vec<Crate> {
    let from_package = |package: Package| {
        let folder = package.manifest_path.parent().unwrap_or(root);
        let uses = package.dependencies.into_iter().filter(|dependency| {
            dependency.path.is_some() && dependency.kind.as_deref() != Some("dev")
        });
        Crate {
            folder: folder
                .strip_prefix(root)
                .unwrap_or(folder)
                .display()
                .to_string(),
            uses: uses.map(|dependency| dependency.name).collect(),
            name: package.name,
        }
    };
    metadata.packages.into_iter().map(from_package).collect()
}

/// Compares the crates with the table.
fn problems(rows: &[Row], crates: &[Crate]) -> Vec<String> {
    let position = |folder: &String| rows.iter().position(|row| row.folders.contains(folder));
    let mut problems = Vec::new();
    for from in crates {
        let name = &from.name;
        let Some((index, row)) = position(&from.folder).and_then(|at| Some((at, rows.get(at)?)))
        else {
            problems.push(format!("{} has no row", from.folder));
            continue;
        };
        for used in &from.uses {
            if !row.may_use.contains(used) {
                problems.push(format!("{name} may not use {used}"));
            }
        }
        for permitted in &row.may_use {
            let to = crates.iter().find(|to| to.name == *permitted);
            match to.map(|to| position(&to.folder)) {
                None => problems.push(format!("{name} may use {permitted}, which does not exist")),
                Some(below) if below.is_some_and(|below| below <= index) => problems.push(format!(
                    "{name} may use {permitted}, whose row is not below"
                )),
                Some(_) => {}
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
Some text.

| directory | contents | may use |
|---|---|---|
| `server` | the program | `app`, `model` |
| `app` | pages, see `model` | `model` |
| `crates/model` | types | nothing |
| `style`, `public` | files | |

| directory | other |
|---|---|
| `tests` | no row of the table |
";

    fn named(folder: &str, uses: &[&str]) -> Crate {
        Crate {
            name: folder.rsplit('/').next().unwrap_or(folder).to_owned(),
            folder: folder.to_owned(),
            uses: uses.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    fn problems_of(table: &str, crates: &[Crate]) -> Vec<String> {
        problems(&rows(table).expect("a table"), crates)
    }

    #[test]
    fn permitted_dependencies_pass() {
        let crates = [
            named("server", &["app"]),
            named("app", &["model"]),
            named("crates/model", &[]),
        ];
        assert_eq!(problems_of(TABLE, &crates), Vec::<String>::new());
        assert!(rows("no table").is_err());
    }

    #[test]
    fn other_dependencies_and_unknown_crates_are_reported() {
        let crates = [
            named("server", &["store"]),
            named("app", &[]),
            named("crates/model", &["app"]),
            named("crates/store", &[]),
        ];
        let expected = [
            "server may not use store",
            "model may not use app",
            "crates/store has no row",
        ];
        assert_eq!(problems_of(TABLE, &crates), expected);
    }

    #[test]
    fn stale_names_and_upward_dependencies_in_the_table_are_reported() {
        let table = "\
| directory | contents | may use |
|---|---|---|
| `crates/model` | types | `app`, `old` |
| `app` | pages | |
| `crates/edge` | files | `app` |
";
        let crates = [
            named("crates/model", &[]),
            named("app", &[]),
            named("crates/edge", &[]),
        ];
        let expected = [
            "model may use old, which does not exist",
            "edge may use app, whose row is not below",
        ];
        assert_eq!(problems_of(table, &crates), expected);
    }

    #[test]
    fn tests_may_depend_on_any_crate() {
        let metadata = serde_json::json!({ "packages": [{
            "name": "app",
            "manifest_path": "/src/app/Cargo.toml",
            "dependencies": [
                { "name": "model", "kind": null, "path": "/src/crates/model" },
                { "name": "sim", "kind": "dev", "path": "/src/crates/sim" },
                { "name": "built", "kind": "build", "path": "/src/crates/built" },
                { "name": "serde", "kind": null, "path": null },
            ],
        }] });
        let metadata = serde_json::from_value(metadata).expect("metadata");
        let crates = crates(Path::new("/src"), metadata);
        let uses: Vec<_> = crates.iter().flat_map(|it| &it.uses).collect();
        assert_eq!(uses, ["built", "model"]);
        assert_eq!(crates[0].folder, "app");
    }
}
