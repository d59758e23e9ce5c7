//! What an [`Applier`](super::Applier) needs to know about files and the programs that read them.

use std::{collections::BTreeSet, fmt::Debug, future::Future, path::Path};

use super::{
    disk::Files,
    error::{CheckError, Error, ProgramError},
    refusal::Refusal,
};

/// A configuration of which parts can be left out.
pub trait Parts: Clone + Send + Sync {
    /// Identifies a part.
    type Part: Clone + Ord + Debug + Send + Sync;

    /// All parts.
    fn parts(&self) -> Vec<Self::Part>;

    /// The part that a file of the tree belongs to, if any.
    fn part_of(&self, path: &str) -> Option<Self::Part>;

    /// A copy without these parts.
    #[must_use]
    fn without_parts(&self, parts: &BTreeSet<Self::Part>) -> Self;
}

/// Rendered files.
pub trait RenderedTree: Clone + Send + Sync + 'static {
    /// All files with their content, ordered by path. No file is empty.
    fn entries(&self) -> impl Iterator<Item = (&str, &[u8])>;

    /// The content of a file.
    fn content(&self, path: &str) -> Option<&[u8]>;
}

/// Programs whose files an [`Applier`](super::Applier) makes live together.
pub trait Subsystem: Send + Sync + 'static {
    /// The configuration that the files are rendered from.
    type Config: Parts;
    /// The rendered files.
    type Tree: RenderedTree;
    /// How changed files take effect, such as the reload of a program.
    type Effect: Copy + Ord + Debug + Send + Sync;

    /// Renders the files.
    ///
    /// # Errors
    /// [`Error::Render`].
    fn render(&self, config: &Self::Config) -> Result<Self::Tree, Error>;

    /// The effects required to replace the files on disk by a tree.
    fn effects(&self, tree: &Self::Tree, before: &Files) -> BTreeSet<Self::Effect>;

    /// The effects that make every program read all its files.
    fn all_effects(&self) -> BTreeSet<Self::Effect>;

    /// The effects that start programs that have exited.
    fn exited(&self) -> impl Future<Output = BTreeSet<Self::Effect>> + Send;

    /// Checks the candidate in this directory with the programs of these effects.
    fn check(
        &self,
        candidate: &Path,
        effects: &BTreeSet<Self::Effect>,
    ) -> impl Future<Output = Result<(), CheckError>> + Send;

    /// The effects whose check shows which part causes a refusal; empty if no part can be the
    /// cause.
    fn effects_to_search(&self, refusal: &Refusal) -> BTreeSet<Self::Effect>;

    /// Makes live files take effect.
    fn perform(
        &self,
        effect: Self::Effect,
    ) -> impl Future<Output = Result<(), ProgramError>> + Send;

    /// The live files that a program's message names, by their paths within the tree.
    fn named_files(&self, message: &str) -> Vec<String>;
}

/// Whether a tree equals the files on disk, byte for byte.
pub(crate) fn is_same(tree: &impl RenderedTree, files: &Files) -> bool {
    let mut count = 0;
    let all_same = tree.entries().all(|(path, bytes)| {
        count += 1;
        files.get(path).is_some_and(|found| found == bytes)
    });
    all_same && count == files.len()
}
