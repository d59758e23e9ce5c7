//! Checks the language of the Rust code: no word that `docs/GLOSSARY.md` bans in identifiers, log
//! messages and texts for users, and no function whose name asks a question but which changes
//! something.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};

use crate::assets;
use crate::workspace::Workspace;

/// The folders with Rust code.
const FOLDERS: [&str; 5] = ["app", "crates", "frontend", "server", "xtask"];

/// The folders whose string literals are texts for users.
const TEXT_FOLDERS: [&str; 4] = [
    "app/src",
    "crates/control/src",
    "crates/model/src",
    "server/src",
];

/// Macros that write a log message.
const LOG_MACROS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];

/// What a function must not do whose name begins with `is_` or `has_`: Diesel's writing statements.
const WRITES: [&str; 4] = ["update", "insert_into", "replace_into", "delete"];

/// Checks all Rust files of the workspace.
///
/// # Errors
/// When a file breaks a rule or cannot be read; the error names each place.
pub fn check(workspace: &Workspace) -> anyhow::Result<()> {
    let glossary = workspace.root().join("docs/GLOSSARY.md");
    let text = std::fs::read_to_string(&glossary)
        .with_context(|| format!("{} cannot be read", glossary.display()))?;
    let banned = Banned::from_glossary(&text)?;
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
    if !problems.is_empty() {
        bail!(
            "see docs/GLOSSARY.md for the terms to use:\n{}",
            problems.join("\n")
        );
    }
    Ok(())
}

/// The banned words. Words of an identifier are joined by spaces, in lower case.
struct Banned {
    identifiers: Vec<String>,
    logs: Vec<String>,
    texts: Vec<String>,
}

impl Banned {
    /// Reads the three lists in code font that follow `In identifiers:`, `In log messages:` and
    /// `Banned in texts:`.
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
            logs: list("In log messages:")?,
            texts: list("Banned in texts:")?,
        })
    }
}

fn problems_in(path: &Path, code: &str, banned: &Banned) -> anyhow::Result<BTreeSet<String>> {
    let tokens: TokenStream = code
        .parse()
        .map_err(|error| anyhow::anyhow!("{} is not Rust: {error}", path.display()))?;
    let mut scan = Scan {
        banned,
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

/// The purpose of the string literals in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strings {
    /// Arguments of a log macro.
    Log,
    /// Texts for users.
    Texts,
    /// Anything else; not checked.
    Other,
}

/// The problems of one file: the text to search for its line, and the problem.
struct Scan<'a> {
    banned: &'a Banned,
    problems: Vec<(String, String)>,
}

impl Scan<'_> {
    fn stream(&mut self, stream: TokenStream, strings: Strings) {
        let trees: Vec<TokenTree> = stream.into_iter().collect();
        // Whether the current item has the attribute `#[cfg(test)]`.
        let mut in_test = false;
        for (index, tree) in trees.iter().enumerate() {
            let rest = trees.get(index + 1..).unwrap_or_default();
            match tree {
                TokenTree::Ident(ident) => {
                    self.identifier(ident);
                    if ident == "fn" {
                        self.function(rest);
                    }
                }
                TokenTree::Group(group) => {
                    let before = trees.get(..index).unwrap_or_default();
                    in_test |= is_cfg_test(group);
                    let inner = if is_log_macro(before) {
                        Strings::Log
                    } else if strings == Strings::Texts && (in_test || is_doc_comment(group)) {
                        Strings::Other
                    } else {
                        strings
                    };
                    self.stream(group.stream(), inner);
                    // The item ends with its body.
                    in_test &= group.delimiter() != Delimiter::Brace;
                }
                TokenTree::Punct(mark) if mark.as_char() == ';' => in_test = false,
                TokenTree::Literal(literal) => match strings {
                    Strings::Log => self.log(&literal.to_string()),
                    Strings::Texts if !in_test => self.text(&literal.to_string()),
                    Strings::Texts | Strings::Other => {}
                },
                _ => {}
            }
        }
    }

    /// Checks a literal of at least two words; a single word is not prose but a name or a value.
    fn text(&mut self, literal: &str) {
        if !literal.ends_with(['"', '#']) {
            return;
        }
        let words = words(&literal.replace("\\n", " "));
        let words: Vec<&str> = words.split_whitespace().collect();
        let text = format!(" {} ", words.join(" "));
        if words.len() >= 2
            && let Some(word) = first_banned(&text, &self.banned.texts)
        {
            self.problems.push((
                literal.to_owned(),
                format!("the text \"{}\": {word:?} is banned", text.trim()),
            ));
        }
    }

    fn identifier(&mut self, ident: &Ident) {
        let name = ident.to_string();
        if let Some(word) = first_banned(&words(&name), &self.banned.identifiers) {
            self.problems.push((
                name.clone(),
                format!("`{name}`: the word {word:?} is banned"),
            ));
        }
    }

    fn log(&mut self, literal: &str) {
        if let Some(word) = first_banned(&words(literal), &self.banned.logs) {
            self.problems.push((
                literal.to_owned(),
                format!("{literal}: the word {word:?} is banned"),
            ));
        }
    }

    /// `rest` is what follows the word `fn`.
    fn function(&mut self, rest: &[TokenTree]) {
        let Some(TokenTree::Ident(name)) = rest.first() else {
            return;
        };
        let name = name.to_string();
        if !name.starts_with("is_") && !name.starts_with("has_") {
            return;
        }
        let Some(arguments) = group(rest, Delimiter::Parenthesis) else {
            return;
        };
        let body = group(rest, Delimiter::Brace);
        let changes = body.is_some_and(|body| writes(body.stream()));
        if takes_mutable(arguments.stream()) || changes {
            let problem = format!("`{name}` has side effects: rename it with a verb");
            self.problems.push((format!("fn {name}"), problem));
        }
    }
}

fn group(trees: &[TokenTree], delimiter: Delimiter) -> Option<&Group> {
    trees.iter().find_map(|tree| match tree {
        TokenTree::Group(group) if group.delimiter() == delimiter => Some(group),
        _ => None,
    })
}

/// Whether an argument is a mutable reference. One to a database connection, which Diesel needs for
/// reading too, does not count.
fn takes_mutable(arguments: TokenStream) -> bool {
    let trees: Vec<TokenTree> = arguments.into_iter().collect();
    let mut arguments =
        trees.split(|tree| matches!(tree, TokenTree::Punct(mark) if mark.as_char() == ','));
    arguments.any(|argument| {
        let mut pairs = argument.windows(2);
        let is_mutable = pairs.any(|pair| match pair {
            [TokenTree::Punct(mark), TokenTree::Ident(word)] => {
                mark.as_char() == '&' && word == "mut"
            }
            _ => false,
        });
        let mut words = argument.iter();
        is_mutable
            && !words.any(|tree| matches!(tree, TokenTree::Ident(ident) if is_connection(ident)))
    })
}

fn is_connection(ident: &Ident) -> bool {
    let name = ident.to_string();
    ["Conn", "Db"].contains(&name.as_str()) || name.ends_with("Connection")
}

/// Whether a function body has one of Diesel's statements that write to the database.
fn writes(body: TokenStream) -> bool {
    let trees: Vec<TokenTree> = body.into_iter().collect();
    let statement = trees.windows(4).any(|four| match four {
        [TokenTree::Ident(diesel), _, _, TokenTree::Ident(name)] => {
            diesel == "diesel" && WRITES.iter().any(|write| name == write)
        }
        _ => false,
    });
    statement
        || trees
            .into_iter()
            .any(|tree| matches!(tree, TokenTree::Group(group) if writes(group.stream())))
}

/// Whether an attribute's brackets contain `cfg(test)`, alone or within `all(…)`.
fn is_cfg_test(attribute: &Group) -> bool {
    let trees: Vec<TokenTree> = attribute.stream().into_iter().collect();
    match trees.as_slice() {
        [TokenTree::Ident(name), TokenTree::Group(condition)]
            if attribute.delimiter() == Delimiter::Bracket && name == "cfg" =>
        {
            let condition: Vec<TokenTree> = condition.stream().into_iter().collect();
            match condition.as_slice() {
                [TokenTree::Ident(name)] => name == "test",
                [TokenTree::Ident(name), TokenTree::Group(all)] if name == "all" => {
                    let mut all = all.stream().into_iter();
                    all.any(|tree| matches!(tree, TokenTree::Ident(name) if name == "test"))
                }
                _ => false,
            }
        }
        _ => false,
    }
}

/// Whether an attribute's brackets contain `doc = …`, which a doc comment becomes.
fn is_doc_comment(attribute: &Group) -> bool {
    let first = attribute.stream().into_iter().next();
    attribute.delimiter() == Delimiter::Bracket
        && matches!(first, Some(TokenTree::Ident(name)) if name == "doc")
}

/// Whether `before` ends with the name and the exclamation mark of a log macro.
fn is_log_macro(before: &[TokenTree]) -> bool {
    match before {
        [.., TokenTree::Ident(name), TokenTree::Punct(mark)] => {
            mark.as_char() == '!' && LOG_MACROS.iter().any(|log| name == log)
        }
        _ => false,
    }
}

/// The words of an identifier or a text in lower case, with a space before and after each.
fn words(text: &str) -> String {
    let mut words = String::from(" ");
    let mut was_lower = false;
    for character in text.chars() {
        if character.is_uppercase() && was_lower {
            words.push(' ');
        }
        was_lower = character.is_lowercase();
        match character.is_alphanumeric() {
            true => words.extend(character.to_lowercase()),
            false => words.push(' '),
        }
    }
    words.push(' ');
    words
}

fn first_banned<'a>(words: &str, banned: &'a [String]) -> Option<&'a str> {
    let mut banned = banned.iter().map(String::as_str);
    banned.find(|word| words.contains(&format!(" {word} ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GLOSSARY: &str = "In identifiers: `told`,\n`set_aside`.\n\nIn log messages: `no more`.\n\n\
        Banned in texts: `gizmo`,\n`good until`.\n";

    fn check(code: &str) -> Vec<String> {
        check_file("a.rs", code)
    }

    fn check_file(path: &str, code: &str) -> Vec<String> {
        let banned = Banned::from_glossary(GLOSSARY).expect("a glossary");
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
            "crates/dns/src/a.rs",
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
    fn questions_must_not_change_anything() {
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
