//! Checks that each use case of `control` asks its actor for exactly one permit: itself, or through
//! the functions that it passes the actor to.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, bail};
use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::assets;
use crate::workspace::Workspace;

/// The directory with the use cases.
const FOLDER: &str = "crates/control/src";

/// The methods of an actor that return a permit.
const PERMITS: [&str; 2] = ["permit", "permit_owned"];

/// Checks the use cases.
///
/// # Errors
/// When a use case asks for no permit or for several, or a file cannot be read.
pub fn check(workspace: &Workspace) -> anyhow::Result<()> {
    let mut functions = Vec::new();
    for file in assets::files_below(&workspace.root().join(FOLDER))? {
        if file.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let code = std::fs::read_to_string(&file)
            .with_context(|| format!("{} cannot be read", file.display()))?;
        let path = file.strip_prefix(workspace.root()).unwrap_or(&file);
        functions.extend(functions_in(path, &code)?);
    }
    let problems = problems_in(&functions);
    if !problems.is_empty() {
        bail!("{}", problems.join("\n"));
    }
    Ok(())
}

/// A function with a parameter `actor`.
struct Function {
    file: String,
    /// The name of the file without its extension.
    module: String,
    name: String,
    is_use_case: bool,
    /// How often its body asks for a permit.
    permits: usize,
    /// The functions that its body passes the actor to.
    callees: BTreeSet<Callee>,
}

/// The name of a called function, with the word before it in the path.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Callee {
    module: Option<String>,
    name: String,
}

fn functions_in(file: &Path, code: &str) -> anyhow::Result<Vec<Function>> {
    let tokens: TokenStream = code
        .parse()
        .map_err(|error| anyhow::anyhow!("{} is not Rust: {error}", file.display()))?;
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let starts = trees.iter().enumerate();
    let starts = starts.filter(|(_, tree)| matches!(tree, TokenTree::Ident(word) if word == "fn"));
    Ok(starts
        .filter_map(|(index, _)| {
            let (before, rest) = trees.split_at_checked(index)?;
            function(file, before, rest)
        })
        .collect())
}

/// `rest` begins with the word `fn`.
fn function(file: &Path, before: &[TokenTree], rest: &[TokenTree]) -> Option<Function> {
    let group = |delimiter| {
        rest.iter().find_map(|tree| match tree {
            TokenTree::Group(group) if group.delimiter() == delimiter => Some(group.stream()),
            _ => None,
        })
    };
    let has_actor = |tree: TokenTree| matches!(tree, TokenTree::Ident(name) if name == "actor");
    if !group(Delimiter::Parenthesis)?.into_iter().any(has_actor) {
        return None;
    }
    let Some(TokenTree::Ident(name)) = rest.get(1) else {
        return None;
    };
    let mut function = Function {
        file: file.display().to_string(),
        module: file.file_stem()?.to_string_lossy().into_owned(),
        name: name.to_string(),
        // A use case is public and asynchronous; `pub(crate)` has a group between the words.
        is_use_case: matches!(
            before,
            [.., TokenTree::Ident(public), TokenTree::Ident(kind)]
                if public == "pub" && kind == "async"
        ),
        permits: 0,
        callees: BTreeSet::new(),
    };
    function.scan(group(Delimiter::Brace)?);
    Some(function)
}

impl Function {
    fn scan(&mut self, body: TokenStream) {
        let trees: Vec<TokenTree> = body.into_iter().collect();
        for (index, tree) in trees.iter().enumerate() {
            let before = trees.get(..index).unwrap_or_default();
            match tree {
                TokenTree::Ident(name) if PERMITS.iter().any(|permit| name == permit) => {
                    let is_method = matches!(before.last(), Some(TokenTree::Punct(mark)) if mark.as_char() == '.');
                    self.permits += usize::from(is_method);
                }
                TokenTree::Group(group) => {
                    if group.delimiter() == Delimiter::Parenthesis && passes_actor(group.stream()) {
                        self.callees.extend(callee(before));
                    }
                    self.scan(group.stream());
                }
                _ => {}
            }
        }
    }
}

/// Whether one of the arguments is `actor` or `&actor`.
fn passes_actor(arguments: TokenStream) -> bool {
    let trees: Vec<TokenTree> = arguments.into_iter().collect();
    trees
        .split(|tree| matches!(tree, TokenTree::Punct(mark) if mark.as_char() == ','))
        .any(|argument| match argument {
            [TokenTree::Ident(name)] | [TokenTree::Punct(_), TokenTree::Ident(name)] => {
                name == "actor"
            }
            _ => false,
        })
}

/// The function before its arguments and type arguments.
fn callee(before: &[TokenTree]) -> Option<Callee> {
    let is_mark = |tree: Option<&TokenTree>, mark: char| matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == mark);
    let mut path = before;
    if is_mark(path.last(), '>') {
        let start = path.iter().rposition(|tree| is_mark(Some(tree), '<'))?;
        path = path.get(..start)?;
        while is_mark(path.last(), ':') {
            path = path.split_last()?.1;
        }
    }
    let (TokenTree::Ident(name), path) = path.split_last()? else {
        return None;
    };
    let module = match path {
        [
            ..,
            TokenTree::Ident(module),
            TokenTree::Punct(mark),
            TokenTree::Punct(_),
        ] if mark.as_char() == ':' => Some(module.to_string()),
        _ => None,
    };
    Some(Callee {
        module,
        name: name.to_string(),
    })
}

/// The functions that a call may mean: those of the named module or of the caller's file, or else
/// all of this name.
fn resolve(functions: &[Function], caller: &Function, callee: &Callee) -> Vec<usize> {
    let module = callee.module.as_ref().unwrap_or(&caller.module);
    let (near, far): (Vec<usize>, Vec<usize>) = functions
        .iter()
        .enumerate()
        .filter(|(_, function)| function.name == callee.name)
        .map(|(index, _)| index)
        .partition(|index| {
            let function = functions.get(*index);
            function.is_some_and(|function| function.module == *module)
        });
    if near.is_empty() { far } else { near }
}

fn problems_in(functions: &[Function]) -> Vec<String> {
    // The functions that ask for a permit, or whose callees do.
    let mut asking: BTreeSet<usize> = BTreeSet::new();
    let delegates = |asking: &BTreeSet<usize>, function: &Function| {
        function.callees.iter().any(|callee| {
            let callees = resolve(functions, function, callee);
            !callees.is_empty() && callees.iter().all(|callee| asking.contains(callee))
        })
    };
    loop {
        let found = functions.iter().enumerate();
        let found = found
            .filter(|(_, function)| function.permits > 0 || delegates(&asking, function))
            .map(|(index, _)| index)
            .collect();
        if found == asking {
            break;
        }
        asking = found;
    }
    let use_cases = functions.iter().filter(|function| function.is_use_case);
    use_cases
        .filter_map(|function| {
            let problem = match function.permits {
                1 => return None,
                0 if delegates(&asking, function) => return None,
                0 => "asks its actor for no permit",
                _ => "asks its actor for several permits",
            };
            Some(format!("{}: `{}` {problem}", function.file, function.name))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: &str) -> Vec<String> {
        problems_in(&functions_in(Path::new("a.rs"), code).expect("Rust"))
    }

    #[test]
    fn use_case_without_a_permit_is_rejected() {
        for code in [
            "pub async fn list(actor: &Actor) { read() }",
            "pub async fn list(actor: &Actor) { log(actor) }",
            "pub async fn list(actor: &Actor) { find(actor) } fn find(actor: &Actor) { read() }",
            "pub async fn list(actor: &Actor) { find(actor) } fn find(id: Id) { it.permit() }",
            "pub async fn list(actor: &Actor) { list(actor) }",
        ] {
            assert_eq!(
                check(code),
                ["a.rs: `list` asks its actor for no permit"],
                "{code}"
            );
        }
    }

    #[test]
    fn use_case_with_several_permits_is_rejected() {
        let code =
            "pub async fn list(actor: &Actor) { actor.permit()?; { actor.permit_owned(id) } }";
        assert_eq!(
            check(code),
            ["a.rs: `list` asks its actor for several permits"]
        );
    }

    #[test]
    fn use_case_with_one_permit_is_accepted() {
        for code in [
            "pub async fn list(actor: &Actor) { let permit: Permit<A> = actor.permit()?; }",
            "pub async fn list(actor: &Actor) { find::<Read>(control, actor, id) }
             async fn find<A: Action>(actor: &Actor) { actor.permit_owned::<A>(owner) }",
            "pub async fn list(actor: &Actor) { write(move |c| change(c, &actor)) }
             fn change(actor: &Actor) { actor.permit() }",
            "pub async fn list(actor: &Actor) { a::find(actor) }
             async fn find(actor: &Actor) { actor.permit() }",
            "pub(crate) async fn list(actor: &Actor) {}",
            "pub async fn list(control: &Control) {}",
        ] {
            assert_eq!(check(code), Vec::<String>::new(), "{code}");
        }
    }
}
