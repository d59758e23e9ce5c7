//! Checks the language: no word that `docs/GLOSSARY.md` bans in identifiers, log messages, texts
//! for users, pages and browser tests, no participle as the name of a type, and no function whose
//! name asks a question but which changes something. `scan` finds the problems in the tokens of a
//! Rust file.

mod prose;
mod scan;

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use proc_macro2::TokenStream;

use crate::assets;
use crate::workspace::Workspace;
use scan::{Scan, Strings};

/// The directories with Rust code.
const FOLDERS: [&str; 5] = ["app", "crates", "frontend", "server", "xtask"];

/// The directories whose string literals are texts for users.
const TEXT_FOLDERS: [&str; 10] = [
    "app/src",
    "crates/agent-protocol/src",
    "crates/agent/src",
    "crates/control/src",
    "crates/dns/src",
    "crates/edge/src",
    "crates/model/src",
    "crates/pki/src",
    "crates/proxmox/src",
    "server/src",
];

/// The directories whose identifiers have more banned words: elsewhere, such as in the simulated
/// Proxmox VE, these words have another meaning.
const WEB_FOLDERS: [&str; 2] = ["app", "server"];

/// Checks all Rust files of the workspace, the pages of the documentation and the browser tests.
///
/// # Errors
/// When a file breaks a rule or cannot be read; the error names each place.
pub fn check(workspace: &Workspace) -> anyhow::Result<()> {
    let glossary = workspace.root().join("docs/GLOSSARY.md");
    let text = std::fs::read_to_string(&glossary)
        .with_context(|| format!("{} cannot be read", glossary.display()))?;
    let banned = BannedWords::from_glossary(&text)?;
    let mut problems = Vec::new();
    for folder in FOLDERS {
        for file in assets::files_below(&workspace.root().join(folder))? {
            if file.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            let code = std::fs::read_to_string(&file)
                .with_context(|| format!("{} cannot be read", file.display()))?;
            let path = file.strip_prefix(workspace.root()).unwrap_or(&file);
            problems.extend(problems_in(path, &code, &banned)?);
        }
    }
    for file in workspace.tracked_files(&prose::FILES)? {
        let path = workspace.root().join(&file);
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        problems.extend(prose::problems_in(&file, &text, &banned.texts));
    }
    if !problems.is_empty() {
        bail!(
            "see docs/GLOSSARY.md for the terms to use:\n{}",
            problems.join("\n")
        );
    }
    Ok(())
}

/// The banned words. Words of an identifier are joined by spaces, in lower case.
struct BannedWords {
    identifiers: Vec<String>,
    web_identifiers: Vec<String>,
    logs: Vec<String>,
    texts: Vec<String>,
}

impl BannedWords {
    /// Reads the lists in code font that follow `In identifiers:`, `In identifiers of app and
    /// server:`, `In log messages:` and `Banned in texts:`.
    fn from_glossary(text: &str) -> anyhow::Result<Self> {
        let list = |title: &str| {
            let (_, rest) = text
                .split_once(title)
                .with_context(|| format!("docs/GLOSSARY.md has no list {title:?}"))?;
            let paragraph = rest.split("\n\n").next().unwrap_or_default();
            let words = paragraph.split('`').skip(1).step_by(2);
            let words: Vec<String> = words.map(|word| word.replace('_', " ")).collect();
            ensure!(
                !words.is_empty(),
                "docs/GLOSSARY.md: the list {title:?} is empty"
            );
            Ok(words)
        };
        Ok(Self {
            identifiers: list("In identifiers:")?,
            web_identifiers: list("In identifiers of app and server:")?,
            logs: list("In log messages:")?,
            texts: list("Banned in texts:")?,
        })
    }
}

fn problems_in(path: &Path, code: &str, banned: &BannedWords) -> anyhow::Result<BTreeSet<String>> {
    let tokens: TokenStream = code
        .parse()
        .map_err(|error| anyhow::anyhow!("{} is not Rust: {error}", path.display()))?;
    let is_web = WEB_FOLDERS.iter().any(|folder| path.starts_with(folder));
    let mut scan = Scan {
        banned,
        is_web,
        problems: Vec::new(),
    };
    scan.stream(
        tokens,
        if has_texts(path) {
            Strings::Texts
        } else {
            Strings::Other
        },
    );
    // A needle may span lines, as a literal with a continuation does.
    let line = |needle: &str| {
        let before = code.split_once(needle);
        before.map_or(1, |(before, _)| before.matches('\n').count() + 1)
    };
    let problems = scan.problems.into_iter();
    Ok(problems
        .map(|(needle, problem)| format!("{}:{}: {problem}", path.display(), line(&needle)))
        .collect())
}

/// Whether the string literals of a file are texts for users. Those of tests are not.
fn has_texts(path: &Path) -> bool {
    let is_test = path
        .components()
        .any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs");
    !is_test && TEXT_FOLDERS.iter().any(|folder| path.starts_with(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GLOSSARY: &str = "In identifiers: `told`,\n`set_aside`.\n\n\
        In identifiers of app and server: `gadget`.\n\nIn log messages: `no more`.\n\n\
        Banned in texts: `gizmo`,\n`good until`.\n";

    fn check(code: &str) -> Vec<String> {
        check_file("a.rs", code)
    }

    fn check_file(path: &str, code: &str) -> Vec<String> {
        let banned = BannedWords::from_glossary(GLOSSARY).expect("a glossary");
        let problems = problems_in(Path::new(path), code, &banned).expect("Rust");
        problems.into_iter().collect()
    }

    #[test]
    fn banned_words_are_rejected_in_texts() {
        let code = "fn a() {\n    view! { <p>\"Ask gizmo.\"</p> };\n    \
            let text = format!(\n        \"{name} is good \\\n         until {date}\"\n    );\n}\n";
        assert_eq!(
            check_file("app/src/a.rs", code),
            [
                "app/src/a.rs:2: the text \"ask gizmo\": \"gizmo\" is banned",
                "app/src/a.rs:4: the text \"name is good until date\": \"good until\" is banned",
            ]
        );
        assert_eq!(
            check_file("server/src/a.rs", "#[error(\"By gizmo\")]\nstruct A;"),
            ["server/src/a.rs:1: the text \"by gizmo\": \"gizmo\" is banned"]
        );
        for path in [
            "crates/store/src/a.rs",
            "server/tests/a.rs",
            "app/src/a/tests.rs",
        ] {
            assert_eq!(check_file(path, code), Vec::<String>::new(), "{path}");
        }
    }

    #[test]
    fn comments_tests_logs_and_single_words_are_not_texts() {
        for code in [
            "/// Ask gizmo.\nfn a() {}\n// Ask gizmo.\n",
            "fn a() { publishers(\"gizmo\", 'x', b'y') }",
            "fn a() { tracing::info!(\"published by gizmo\") }",
            "#[cfg(test)]\nmod tests { fn a() { say(\"Ask gizmo.\") } }",
            "#[cfg(all(test, unix))]\nconst A: &str = \"Ask gizmo.\";",
        ] {
            assert_eq!(
                check_file("crates/model/src/a.rs", code),
                Vec::<String>::new(),
                "{code}"
            );
        }
        // What follows a test is checked again.
        for code in [
            "#[cfg(test)]\nmod tests;\nconst A: &str = \"Ask gizmo.\";",
            "#[cfg(test)]\nmod tests {}\nconst A: &str = \"Ask gizmo.\";",
        ] {
            assert_eq!(
                check_file("crates/model/src/a.rs", code),
                ["crates/model/src/a.rs:3: the text \"ask gizmo\": \"gizmo\" is banned"]
            );
        }
    }

    #[test]
    fn banned_words_are_rejected_in_identifiers_alone() {
        let code = "// told\nfn tolerate() { let text = \"told\"; }\n";
        assert_eq!(check(code), Vec::<String>::new());
        let code = "fn a() {}\nstruct WasTold;\nfn set_aside_now() {}\n";
        assert_eq!(
            check(code),
            [
                "a.rs:2: `WasTold`: the word \"told\" is banned",
                "a.rs:3: `set_aside_now`: the word \"set aside\" is banned",
            ]
        );
        let code = "fn gadget_of() {}";
        assert_eq!(check(code), Vec::<String>::new());
        assert_eq!(
            check_file("app/src/a.rs", code),
            ["app/src/a.rs:1: `gadget_of`: the word \"gadget\" is banned"]
        );
    }

    #[test]
    fn banned_words_are_rejected_in_log_messages() {
        let code = "fn a() { tracing::warn!(error = %e, \"serves it no more\"); }";
        assert_eq!(
            check(code),
            ["a.rs:1: \"serves it no more\": the word \"no more\" is banned"]
        );
        assert_eq!(check("fn a() { say(\"no more\"); }"), Vec::<String>::new());
    }

    #[test]
    fn participles_are_rejected_as_names_of_types() {
        for name in ["Embedded", "Built"] {
            assert_eq!(
                check(&format!("fn a() {{}}\npub struct {name}<T>(T);")),
                [format!(
                    "a.rs:2: `{name}` is a participle: name the type with a noun"
                )]
            );
        }
        for code in [
            "struct EmbeddedAssets;",
            "enum Need {}",
            "enum Encoding {}",
            "enum Source { Embedded }",
            "impl Service for A { type Owned = B; }",
        ] {
            assert_eq!(check(code), Vec::<String>::new(), "{code}");
        }
    }

    #[test]
    fn functions_named_is_or_has_must_not_have_side_effects() {
        let problem = |name: &str| {
            vec![format!(
                "a.rs:1: `{name}` has side effects: rename it with a verb"
            )]
        };
        assert_eq!(
            check("fn is_open(&self) -> bool { true }"),
            Vec::<String>::new()
        );
        assert_eq!(
            check("fn is_there(conn: &mut Conn) -> bool { select(rows) }"),
            Vec::<String>::new()
        );
        assert_eq!(
            check("fn is_gone(conn: &mut Conn) { diesel::delete(rows) }"),
            problem("is_gone")
        );
        assert_eq!(
            check("fn has_room(&mut self) -> bool {}"),
            problem("has_room")
        );
    }
}
