//! Tells the manager which files are live on this host, for people to look at: only what changed,
//! beside the work, so that nothing waits for it. It knows rendered text only; keys of certificates
//! are no part of that.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use edge::{
    Layout, Snapshot, Tree,
    link::{LARGEST_FILE, LONGEST_PATH, Live},
};
use model::ServiceId;
use tokio::sync::watch;

use crate::{LinkError, teller::Teller};

/// How much one telling brings at least before the next one begins, in bytes.
const PART: usize = 512 * 1024;
/// How long after a telling that failed the next one is tried.
const AGAIN: Duration = Duration::from_secs(30);

/// What is live on this host.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Site {
    snapshot: Snapshot,
    layout: Layout,
    /// The services that were set aside.
    aside: BTreeSet<ServiceId>,
}

/// Takes what is live, and has it told.
#[derive(Debug)]
pub(crate) struct LiveFiles(watch::Sender<Option<Site>>);

impl LiveFiles {
    /// Begins to tell, until this is dropped. Whatever was told before this
    /// process began counts no more.
    pub(crate) fn start(manager: Arc<Teller>) -> Self {
        let (latest, inbox) = watch::channel(None);
        tokio::spawn(tell(manager, inbox));
        Self(latest)
    }

    /// Has it told that a site is live here but for some services. Only the latest counts.
    pub(crate) fn are_live(
        &self,
        snapshot: &Snapshot,
        layout: &Layout,
        aside: impl Iterator<Item = ServiceId>,
    ) {
        let aside = aside.collect();
        self.0.send_if_modified(|latest| {
            let is_same = latest.as_ref().is_some_and(|known| {
                known.snapshot == *snapshot && known.layout == *layout && known.aside == aside
            });
            if !is_same {
                *latest = Some(Site {
                    snapshot: snapshot.clone(),
                    layout: layout.clone(),
                    aside,
                });
            }
            !is_same
        });
    }
}

async fn tell(manager: Arc<Teller>, mut inbox: watch::Receiver<Option<Site>>) {
    let mut told = Told::default();
    while inbox.changed().await.is_ok() {
        loop {
            let latest = inbox.borrow_and_update().clone();
            let Some(site) = latest else { break };
            match told.catch_up(&manager, site).await {
                Ok(()) => break,
                Err(error) => tracing::warn!(%error, "what is live here could not be told"),
            }
            // Something newer may come meanwhile; it is told in the place of this.
            let _ = tokio::time::timeout(AGAIN, inbox.changed()).await;
            if inbox.has_changed().is_err() {
                return;
            }
        }
    }
}

/// What the manager was told: text by path; none before the first telling.
#[derive(Debug, Default)]
struct Told(Option<BTreeMap<String, String>>);

impl Told {
    async fn catch_up(&mut self, manager: &Teller, site: Site) -> Result<(), LinkError> {
        let rendered = tokio::task::spawn_blocking(move || {
            edge::render(&site.snapshot.without(&site.aside), &site.layout)
        });
        let Ok(Ok(tree)) = rendered.await else {
            // It was rendered a moment ago to be applied.
            return Ok(());
        };
        for part in self.parts(&tree) {
            manager.live(&part).await?;
            self.note(part);
        }
        Ok(())
    }

    /// What is to be told so that the manager knows of this tree, in parts.
    fn parts(&self, tree: &Tree) -> Vec<Live> {
        let nothing = BTreeMap::new();
        let known = self.0.as_ref().unwrap_or(&nothing);
        let told =
            |path: &str, text: &str| text.len() <= LARGEST_FILE && path.len() <= LONGEST_PATH;
        let gone = known.keys().filter(|path| {
            let file = tree.get(path);
            file.is_none_or(|file| !told(path, &file.text))
        });
        let mut parts = vec![Live {
            begins: self.0.is_none(),
            gone: gone.cloned().collect(),
            files: BTreeMap::new(),
        }];
        let mut size = 0;
        for (path, file) in tree.files() {
            if !told(path, &file.text) || known.get(path) == Some(&file.text) {
                continue;
            }
            if size >= PART {
                parts.push(Live::default());
                size = 0;
            }
            size += file.text.len();
            if let Some(part) = parts.last_mut() {
                part.files.insert(path.to_owned(), file.text.clone());
            }
        }
        parts.retain(|part| part.begins || !part.gone.is_empty() || !part.files.is_empty());
        parts
    }

    fn note(&mut self, part: Live) {
        let known = self.0.get_or_insert_default();
        for path in &part.gone {
            known.remove(path);
        }
        known.extend(part.files);
    }
}

#[cfg(test)]
mod tests {
    use edge::{Effect, File, Tree};

    use super::{PART, Told};

    fn tree(files: &[(&str, &str)]) -> Tree {
        let file = |(path, text): &(&str, &str)| {
            let file = File {
                text: (*text).to_owned(),
                effect: Effect::None,
            };
            ((*path).to_owned(), file)
        };
        files.iter().map(file).collect()
    }

    /// Tells all of a tree; the paths of each part.
    fn tell(told: &mut Told, tree: &Tree) -> Vec<(bool, Vec<String>, Vec<String>)> {
        let parts = told.parts(tree);
        let shown = parts.iter().map(|part| {
            let files = part.files.keys().cloned().collect();
            (part.begins, files, part.gone.clone())
        });
        let shown = shown.collect();
        parts.into_iter().for_each(|part| told.note(part));
        shown
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn all_is_told_at_first_and_then_only_what_changed() {
        let mut told = Told::default();
        let first = tree(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let all = (true, names(&["a", "b", "c"]), names(&[]));
        assert_eq!(tell(&mut told, &first), [all]);
        assert_eq!(tell(&mut told, &first), [], "nothing is new");
        let second = tree(&[("a", "1"), ("b", "two"), ("d", "4")]);
        let changed = (false, names(&["b", "d"]), names(&["c"]));
        assert_eq!(tell(&mut told, &second), [changed]);
        assert_eq!(tell(&mut told, &second), []);
    }

    #[test]
    fn much_is_told_in_parts_and_what_is_too_large_is_left_out() {
        let mut told = Told::default();
        let half = "x".repeat(PART / 2);
        let large = "x".repeat(edge::link::LARGEST_FILE + 1);
        let site = tree(&[("a", &half), ("b", &half), ("c", &half), ("d", &large)]);
        let parts = tell(&mut told, &site);
        let expected = [
            (true, names(&["a", "b"]), names(&[])),
            (false, names(&["c"]), names(&[])),
        ];
        assert_eq!(parts, expected);
        let grown = tree(&[("a", &large), ("b", &half), ("c", &half)]);
        let gone = (false, names(&[]), names(&["a"]));
        assert_eq!(
            tell(&mut told, &grown),
            [gone],
            "what was told of it holds no more"
        );
    }
}
