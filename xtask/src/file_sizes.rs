//! Checks that every tracked Rust file has fewer than 400 lines, tests included.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

use crate::program;
use crate::workspace::Workspace;

/// The number of lines that no file may reach.
const LIMIT: usize = 400;

/// Checks all tracked Rust files of the workspace.
///
/// # Errors
/// When a file is too long or cannot be read; the error names each file.
pub fn check(workspace: &Workspace) -> anyhow::Result<()> {
    let mut git = Command::new("git");
    git.current_dir(workspace.root())
        .args(["ls-files", "-z", "--", "*.rs"]);
    let files = program::output(&mut git).context("git cannot list the tracked files")?;
    let files = String::from_utf8(files).context("a tracked file has a name that is not UTF-8")?;
    let mut problems = Vec::new();
    for file in files.split_terminator('\0') {
        let path = workspace.root().join(file);
        // A tracked file that was deleted and not committed yet.
        if !path.exists() {
            continue;
        }
        let code =
            std::fs::read_to_string(&path).with_context(|| format!("{file} cannot be read"))?;
        problems.extend(problem_in(Path::new(file), &code));
    }
    ensure!(
        problems.is_empty(),
        "split files that have {LIMIT} lines or more:\n{}",
        problems.join("\n")
    );
    Ok(())
}

fn problem_in(path: &Path, code: &str) -> Option<String> {
    let lines = code.lines().count();
    (lines >= LIMIT).then(|| format!("{}: {lines} lines", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_of_400_lines_is_rejected_by_name() {
        let path = Path::new("crates/a/tests/a.rs");
        assert_eq!(problem_in(path, &"// a\n".repeat(399)), None);
        assert_eq!(
            problem_in(path, &"// a\n".repeat(400)).as_deref(),
            Some("crates/a/tests/a.rs: 400 lines")
        );
    }
}
