//! The rendered files of a generation, and the effects that a change of each requires.

use std::collections::{BTreeMap, BTreeSet};

/// How a changed file takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// nginx reads its configuration again (SIGHUP).
    ReloadNginx,
    /// dnsmasq reads its lists again (SIGHUP).
    ReloadDnsmasq,
    /// dnsmasq is restarted: it reads this file only at its start.
    RestartDnsmasq,
    /// Nothing: nginx reads the file on each request.
    None,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its bytes.
    pub text: String,
    /// The effect of a change.
    pub effect: Effect,
}

/// Files by their path within the generation, such as `nginx/nginx.conf`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    files: BTreeMap<String, File>,
}

/// A tree as it is found somewhere, such as on a host's disk.
impl FromIterator<(String, File)> for Tree {
    fn from_iter<T: IntoIterator<Item = (String, File)>>(files: T) -> Self {
        Self {
            files: files.into_iter().collect(),
        }
    }
}

impl Tree {
    pub(crate) fn add(&mut self, path: impl Into<String>, effect: Effect, mut text: String) {
        if !text.ends_with('\n') {
            text.push('\n');
        }
        self.add_exactly(path, effect, text);
    }

    /// Adds a file every byte of which counts.
    pub(crate) fn add_exactly(&mut self, path: impl Into<String>, effect: Effect, text: String) {
        self.files.insert(path.into(), File { text, effect });
    }

    /// Every file, by path.
    pub fn files(&self) -> impl Iterator<Item = (&str, &File)> {
        self.files.iter().map(|(path, file)| (path.as_str(), file))
    }

    /// One file.
    pub fn get(&self, path: &str) -> Option<&File> {
        self.files.get(path)
    }

    /// The effects required to replace `before` by this tree. A restart includes a reload.
    pub fn effects_after(&self, before: &Self) -> BTreeSet<Effect> {
        let changed = self
            .files()
            .filter(|(path, file)| before.get(path) != Some(file))
            .map(|(_, file)| file.effect);
        let gone = before
            .files()
            .filter(|(path, _)| self.get(path).is_none())
            .map(|(_, file)| file.effect);
        let mut effects: BTreeSet<Effect> = changed.chain(gone).collect();
        effects.remove(&Effect::None);
        if effects.contains(&Effect::RestartDnsmasq) {
            effects.remove(&Effect::ReloadDnsmasq);
        }
        effects
    }
}
