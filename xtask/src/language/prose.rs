//! Checks the words of pages for users and of the browser tests.

use std::path::Path;

use super::scan::words;

/// The tracked files that are checked, as git patterns. The glossary names the banned words.
pub(super) const FILES: [&str; 5] = [
    "*.md",
    ":!docs/GLOSSARY.md",
    "end2end/*.mjs",
    "end2end/*.ts",
    "public/*.js",
];

/// The banned words and phrases in a file. A phrase may span lines.
pub(super) fn problems_in(path: &Path, text: &str, banned: &[String]) -> Vec<String> {
    let lines = (1..).zip(text.lines());
    let all: Vec<(usize, String)> = lines
        .flat_map(|(number, line)| {
            let words = words(line);
            let words = words.split_whitespace().map(str::to_owned);
            words
                .map(|word| (number, word))
                .collect::<Vec<(usize, String)>>()
        })
        .collect();
    let mut problems = Vec::new();
    for phrase in banned {
        let phrase: Vec<&str> = phrase.split_whitespace().collect();
        let matches = all.windows(phrase.len()).filter(|found| {
            found
                .iter()
                .map(|(_, word)| word.as_str())
                .eq(phrase.iter().copied())
        });
        for found in matches {
            let line = found.first().map_or(1, |(line, _)| *line);
            problems.push(format!(
                "{}:{line}: {:?} is banned",
                path.display(),
                phrase.join(" ")
            ));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrase_is_rejected_also_across_lines() {
        let banned = ["gizmo".to_owned(), "set aside".to_owned()];
        let check = |text: &str| problems_in(Path::new("docs/a.md"), text, &banned);
        assert_eq!(
            check("One.\nParts are set\naside by `Gizmo`.\n"),
            [
                "docs/a.md:3: \"gizmo\" is banned",
                "docs/a.md:2: \"set aside\" is banned",
            ]
        );
        assert!(check("Aside from gizmos.").is_empty());
    }
}
