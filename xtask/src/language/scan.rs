//! Scans the tokens of a Rust file for problems of language.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};

use super::BannedWords;

/// Macros that write a log message.
const LOG_MACROS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];

/// What a function must not do whose name begins with `is_` or `has_`: Diesel's writing statements.
const WRITES: [&str; 4] = ["update", "insert_into", "replace_into", "delete"];

/// Irregular and present participles that are rejected as names of types. Others in `-ing` are
/// often nouns, such as `Encoding`.
const PARTICIPLES: [&str; 15] = [
    "Bound", "Built", "Chosen", "Drawn", "Found", "Given", "Held", "Kept", "Known", "Running",
    "Seen", "Sent", "Serving", "Shown", "Taken",
];

/// The purpose of the string literals in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strings {
    /// Arguments of a log macro.
    Log,
    /// Texts for users.
    Texts,
    /// Anything else; not checked.
    Other,
}

/// The problems of one file: the text to search for its line, and the problem.
pub(super) struct Scan<'a> {
    pub(super) banned: &'a BannedWords,
    /// Whether the file is in `app` or `server`.
    pub(super) is_web: bool,
    pub(super) problems: Vec<(String, String)>,
}

impl Scan<'_> {
    /// Scans the tokens of a file or a group.
    pub(super) fn stream(&mut self, stream: TokenStream, strings: Strings) {
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
                    } else if ident == "struct" || ident == "enum" {
                        self.type_name(rest);
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
        let words = words(&name);
        let web = first_banned(&words, &self.banned.web_identifiers).filter(|_| self.is_web);
        if let Some(word) = first_banned(&words, &self.banned.identifiers).or(web) {
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

    /// Rejects a participle as the name of a type. `rest` is what follows `struct` or `enum`.
    fn type_name(&mut self, rest: &[TokenTree]) {
        let Some(TokenTree::Ident(name)) = rest.first() else {
            return;
        };
        let name = name.to_string();
        let is_single_word = !name.chars().skip(1).any(char::is_uppercase);
        // Nouns such as `Need` and `Speed` have the same ending.
        let is_regular = name.ends_with("ed") && !name.ends_with("eed");
        if is_single_word && (is_regular || PARTICIPLES.contains(&name.as_str())) {
            let problem = format!("`{name}` is a participle: name the type with a noun");
            self.problems.push((format!(" {name}"), problem));
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
pub(super) fn words(text: &str) -> String {
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
