//! Checks that every tracked Rust file has fewer than 400 lines, tests included, that no function
//! outside of tests has more than 60, and that no comment line has more than 100 columns, which
//! `cargo fmt` does not check.

use std::path::Path;

use anyhow::{Context, ensure};

use crate::workspace::Workspace;

/// The number of lines that no file may reach.
const LIMIT: usize = 400;

/// The maximum number of lines of a function, outside of tests and examples.
const MAX_FUNCTION_LINES: usize = 60;

/// The maximum width of a comment line, as that of code.
const MAX_COLUMNS: usize = 100;

/// Checks all tracked Rust files of the workspace.
///
/// # Errors
/// When a file or a comment line is too long, or a file cannot be read; the error names each.
pub fn check(workspace: &Workspace) -> anyhow::Result<()> {
    let mut problems = Vec::new();
    for file in workspace.tracked_files(&["*.rs"])? {
        let code = std::fs::read_to_string(workspace.root().join(&file))
            .with_context(|| format!("{} cannot be read", file.display()))?;
        problems.extend(problems_in(&file, &code));
    }
    ensure!(
        problems.is_empty(),
        "split files that have {LIMIT} lines or more, and functions that have more than \
            {MAX_FUNCTION_LINES}; wrap comments at {MAX_COLUMNS} columns:\n{}",
        problems.join("\n")
    );
    Ok(())
}

/// The functions that are too long. The code is formatted: a function ends with the first line
/// that is a brace at its indentation.
fn long_functions(path: &Path, code: &str) -> Vec<String> {
    let is_test = path
        .iter()
        .any(|part| part == "tests" || part == "tests.rs" || part == "examples");
    let code = code.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines: Vec<&str> = code.lines().collect();
    let function = |(index, line): (usize, &&str)| {
        let indentation = line.len() - line.trim_start().len();
        let name = function_name(line.trim_start())?;
        let end = format!("{}}}", " ".repeat(indentation));
        let rest = lines.get(index..)?;
        let length = 1 + rest.iter().position(|line| *line == end)?;
        let is_declaration = line.ends_with(';');
        (length > MAX_FUNCTION_LINES && !is_declaration).then(|| {
            format!(
                "{}:{}: `{name}` has {length} lines",
                path.display(),
                index + 1
            )
        })
    };
    match is_test {
        true => Vec::new(),
        false => lines.iter().enumerate().filter_map(function).collect(),
    }
}

/// The name of the function that begins with this line.
fn function_name(line: &str) -> Option<&str> {
    let (before, rest) = line.split_once("fn ")?;
    let is_modifier = |word: &str| {
        word.starts_with("pub") || ["const", "async", "unsafe", "in", "super)"].contains(&word)
    };
    let is_function = before.split_whitespace().all(is_modifier) && !before.contains("//");
    let name = rest.split(['(', '<']).next()?;
    is_function.then_some(name)
}

fn problems_in(path: &Path, code: &str) -> Vec<String> {
    let functions = long_functions(path, code);
    let path = path.display();
    let count = code.lines().count();
    let file = (count >= LIMIT).then(|| format!("{path}: {count} lines"));
    let comments = (1..).zip(code.lines()).filter_map(|(number, line)| {
        let columns = line.chars().count();
        // A single word, such as a URL, cannot be wrapped.
        let is_long = columns > MAX_COLUMNS && line.split_whitespace().count() > 2;
        (is_long && line.trim_start().starts_with("//"))
            .then(|| format!("{path}:{number}: comment of {columns} columns"))
    });
    file.into_iter().chain(functions).chain(comments).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_of_400_lines_is_rejected_by_name() {
        let path = Path::new("crates/a/tests/a.rs");
        assert!(problems_in(path, &"// a\n".repeat(399)).is_empty());
        assert_eq!(
            problems_in(path, &"// a\n".repeat(400)),
            ["crates/a/tests/a.rs: 400 lines"]
        );
    }

    #[test]
    fn function_of_more_than_60_lines_is_rejected_outside_of_tests() {
        let function = |lines: usize| {
            let body = "        b();\n".repeat(lines - 2);
            format!("impl A {{\n    pub(crate) async fn a<T>() {{\n{body}    }}\n}}\n")
        };
        let src = Path::new("src/a.rs");
        assert!(problems_in(src, &function(60)).is_empty());
        assert_eq!(
            problems_in(src, &function(61)),
            ["src/a.rs:2: `a` has 61 lines"]
        );
        assert!(problems_in(Path::new("tests/a.rs"), &function(61)).is_empty());
        let test = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", function(61));
        assert!(problems_in(src, &test).is_empty());
    }

    #[test]
    fn comment_line_of_more_than_100_columns_is_rejected() {
        let path = Path::new("a.rs");
        let line = |length: usize| format!("fn a() {{}}\n    // b {}\n", "c".repeat(length));
        assert!(problems_in(path, &line(91)).is_empty());
        assert_eq!(
            problems_in(path, &line(92)),
            ["a.rs:2: comment of 101 columns"]
        );
        let url = format!("// https://example.org/{}\n", "c".repeat(100));
        assert!(problems_in(path, &url).is_empty());
    }
}
