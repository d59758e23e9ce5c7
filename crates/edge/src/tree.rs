//! The rendered files of a generation, and how changes of them take effect.

use std::collections::{BTreeMap, BTreeSet};

/// How a changed file takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// nginx reloads its configuration (SIGHUP).
    ReloadNginx,
    /// dnsmasq reloads its list files (SIGHUP).
    ReloadDnsmasq,
    /// dnsmasq restarts, because it reads this file only at startup.
    RestartDnsmasq,
    /// No action: nginx reads the file on each request.
    None,
}

impl Effect {
    /// The actions that these effects require. A restart includes a reload.
    pub fn combine(effects: impl IntoIterator<Item = Self>) -> BTreeSet<Self> {
        let mut effects: BTreeSet<Self> = effects.into_iter().collect();
        effects.remove(&Self::None);
        if effects.contains(&Self::RestartDnsmasq) {
            effects.remove(&Self::ReloadDnsmasq);
        }
        effects
    }
}

/// A rendered file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The content.
    pub text: String,
    /// The effect of a change.
    pub effect: Effect,
}

/// Files by their path within the generation, such as `nginx/nginx.conf`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    files: BTreeMap<String, File>,
}

/// Builds a tree from existing files, such as those on a host's disk.
impl FromIterator<(String, File)> for Tree {
    fn from_iter<T: IntoIterator<Item = (String, File)>>(files: T) -> Self {
        Self {
            files: files.into_iter().collect(),
        }
    }
}

impl Tree {
    /// Adds a file. A missing newline at the end is appended.
    pub(crate) fn add(&mut self, path: impl Into<String>, effect: Effect, mut text: String) {
        if !text.ends_with('\n') {
            text.push('\n');
        }
        self.add_exact(path, effect, text);
    }

    /// Adds a file with exactly this content.
    pub(crate) fn add_exact(&mut self, path: impl Into<String>, effect: Effect, text: String) {
        self.files.insert(path.into(), File { text, effect });
    }

    /// All files, ordered by path.
    pub fn files(&self) -> impl Iterator<Item = (&str, &File)> {
        self.files.iter().map(|(path, file)| (path.as_str(), file))
    }

    /// The file at this path.
    pub fn get(&self, path: &str) -> Option<&File> {
        self.files.get(path)
    }

    /// The effects required to replace the files on disk by this tree. A restart includes a reload.
    pub fn effects_after(&self, before: &BTreeMap<String, Vec<u8>>) -> BTreeSet<Effect> {
        let changed = self
            .files()
            .filter(|(path, file)| {
                before.get(*path).map(Vec::as_slice) != Some(file.text.as_bytes())
            })
            .map(|(_, file)| file.effect);
        let removed = before
            .keys()
            .filter(|path| self.get(path).is_none())
            .map(|path| effect_of_removal(path));
        Effect::combine(changed.chain(removed))
    }
}

/// The strongest effect of a file in this file's directory.
fn effect_of_removal(path: &str) -> Effect {
    match path.starts_with("dnsmasq/") {
        true => Effect::RestartDnsmasq,
        false => Effect::ReloadNginx,
    }
}
