//! A program's refusal of a candidate.

use super::{
    disk::Files,
    subsystem::{RenderedTree, is_same},
};

/// A program's refusal of a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The program.
    pub program: &'static str,
    /// The program's message.
    pub message: String,
    /// The files that the message names, by their paths within the tree.
    pub files: Vec<String>,
}

/// The files below any of these directories that a message names, as relative paths without
/// duplicates.
pub(crate) fn files_in(message: &str, roots: &[&str]) -> Vec<String> {
    let mut files: Vec<String> = Vec::new();
    for root in roots {
        for found in message.split(&format!("{root}/")).skip(1) {
            let end = |c: char| !c.is_ascii_alphanumeric() && !"._-/".contains(c);
            let path = found.split(end).next().unwrap_or_default();
            let path = path.trim_end_matches('.').to_owned();
            if !path.is_empty() && !files.contains(&path) {
                files.push(path);
            }
        }
    }
    files
}

/// The files of a tree that can be the cause of a message that names them. If the programs ran with
/// the files that they last `loaded`, only files that have changed since can be, unless none has. A
/// program that had exited may also fail because of an unchanged file, but only if no other is
/// named.
pub(crate) fn possible_causes(
    mut named: Vec<String>,
    tree: &impl RenderedTree,
    loaded: &Files,
    was_running: bool,
) -> Vec<String> {
    let is_new = |path: &String| loaded.get(path).map(Vec::as_slice) != tree.content(path);
    named.retain(|path| tree.content(path).is_some());
    let is_new_only = match was_running {
        true => !is_same(tree, loaded),
        false => named.iter().any(is_new),
    };
    if is_new_only {
        named.retain(is_new);
    }
    named
}

#[cfg(test)]
mod tests {
    use super::{files_in, possible_causes};
    use crate::core::{disk::Files, subsystem::RenderedTree};

    #[derive(Clone)]
    struct TestTree(Files);

    impl RenderedTree for TestTree {
        fn entries(&self) -> impl Iterator<Item = (&str, &[u8])> {
            let entries = self.0.iter();
            entries.map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
        }

        fn content(&self, path: &str) -> Option<&[u8]> {
            self.0.get(path).map(Vec::as_slice)
        }
    }

    /// Files with these paths and contents.
    fn files(entries: &[(&str, &str)]) -> Files {
        let entries = entries.iter();
        entries
            .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
            .collect()
    }

    /// The possible causes among `named` after `loaded` was replaced.
    fn causes(named: &[&str], loaded: &Files, was_running: bool) -> Vec<String> {
        let tree = TestTree(files(&[("old", "1"), ("changed", "2"), ("new", "1")]));
        let named = named.iter().map(|path| (*path).to_owned()).collect();
        possible_causes(named, &tree, loaded, was_running)
    }

    #[test]
    fn files_that_running_programs_have_loaded_are_not_the_cause() {
        let loaded = files(&[("old", "1"), ("changed", "1"), ("removed", "1")]);
        let all = ["old", "changed", "new", "removed"];
        assert_eq!(causes(&all, &loaded, true), ["changed", "new"]);
        assert!(causes(&["old"], &loaded, true).is_empty());
        assert_eq!(
            causes(&["old"], &Files::new(), true),
            ["old"],
            "no files were loaded"
        );
    }

    #[test]
    fn unchanged_files_are_the_cause_if_nothing_changed_or_program_had_exited() {
        let same = files(&[("old", "1"), ("changed", "2"), ("new", "1")]);
        assert_eq!(causes(&["old"], &same, true), ["old"]);
        let loaded = files(&[("old", "1"), ("changed", "1")]);
        assert_eq!(causes(&["old"], &loaded, false), ["old"]);
        assert_eq!(causes(&["old", "new"], &loaded, false), ["new"]);
    }

    #[test]
    fn files_are_extracted_from_message() {
        let message = "web: [emerg] unknown directive \"a\" in /b/1/web/services/w-1.example.org.conf:3\n\
                     bad address at /b/live/names/hosts line 3\n\
                     read /b/live/names/hosts, again";
        let named = ["web/services/w-1.example.org.conf", "names/hosts"];
        assert_eq!(files_in(message, &["/b/1", "/b/live"]), named);
        assert!(files_in("nothing in /etc/web/web.conf", &["/b/1"]).is_empty());
    }
}
