//! A program's refusal of a candidate.

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

#[cfg(test)]
mod tests {
    use super::files_in;

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
