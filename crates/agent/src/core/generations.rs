//! Stores generations of files on disk, of which one is live.
//!
//! ```text
//! generations/12/…     whole, and never changed once it is live
//! live -> generations/12     loaded by the programs
//! loaded -> generations/11   last loaded without error: the target of a rollback
//! state/                     independent of generations
//! ```
//!
//! A generation with a higher number than the live one is a candidate or was abandoned; no program
//! reads it. One rename of a link makes a generation live, so a killed process leaves no ambiguous
//! state. Generations are ordered by number, so a wrong clock does no harm.
//!
//! All functions block on the disk: never call them on the event loop. One process at a time uses a
//! directory, and holds the file `lock` in it.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Component, Path, PathBuf},
};

use super::{
    disk::{
        DiskError, Files, PUBLIC_MODE, Result, create_folder, create_public_folder, files_of,
        io_error, link_same, lock, remove, sync, write_file,
    },
    steps::Steps,
    subsystem::RenderedTree,
};

/// How many generations are kept, including the live one.
pub const KEPT: usize = 3;

const LIVE: &str = "live";
const LOADED: &str = "loaded";
/// The former name of the link `loaded`.
const OLD_LOADED: &str = "read";
const FOLDER: &str = "generations";
const STATE: &str = "state";

/// The directory of an agent.
#[derive(Debug)]
pub struct Generations {
    base: PathBuf,
    steps: Steps,
    _lock: fs::File,
}

/// A generation that is not live yet.
#[derive(Debug)]
pub struct Candidate {
    number: u64,
    path: PathBuf,
}

/// A generation that is only checked and never becomes live.
#[derive(Debug)]
pub struct Draft {
    number: u64,
    path: PathBuf,
    new: BTreeSet<PathBuf>,
}

impl Draft {
    /// The directory of the draft.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Candidate {
    /// The directory of the candidate.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The generation number.
    pub fn number(&self) -> u64 {
        self.number
    }
}

impl Generations {
    /// Opens a directory, creates what it lacks, and removes leftovers of a killed process.
    ///
    /// # Errors
    /// If another process uses the directory, or a file operation fails.
    pub fn open(base: &Path, steps: Steps) -> Result<Self> {
        for folder in ["", FOLDER, STATE] {
            create_public_folder(&base.join(folder))?;
        }
        let this = Self {
            base: base.to_owned(),
            steps,
            _lock: lock(&base.join("lock"))?,
        };
        this.recover()?;
        Ok(this)
    }

    /// The number of the live generation; none before the first.
    ///
    /// # Errors
    /// If the link cannot be read.
    pub fn live(&self) -> Result<Option<u64>> {
        self.linked(LIVE)
    }

    /// The number of the generation that the programs last loaded without an error.
    ///
    /// # Errors
    /// If the link cannot be read.
    pub fn last_loaded(&self) -> Result<Option<u64>> {
        self.linked(LOADED)
    }

    /// Reads the live files from the disk.
    ///
    /// # Errors
    /// If the files cannot be read.
    pub fn files(&self) -> Result<Files> {
        self.files_of(self.live()?)
    }

    /// Reads the files that the programs last loaded without an error from the disk.
    ///
    /// # Errors
    /// If the files cannot be read.
    pub fn loaded_files(&self) -> Result<Files> {
        self.files_of(self.last_loaded()?)
    }

    /// Writes a candidate and flushes it to the disk. Files that are unchanged are hard links to
    /// the live generation.
    ///
    /// # Errors
    /// If a file cannot be written. The incomplete generation is then removed.
    pub fn write(&self, tree: &impl RenderedTree) -> Result<Candidate> {
        let draft = self.draft(tree)?;
        let kept = draft.new.iter().rev().try_for_each(|path| {
            sync(path)?;
            self.steps.done("on disk");
            Ok(())
        });
        let Draft { number, path, .. } = draft;
        match kept.and_then(|()| sync(&self.base.join(FOLDER))) {
            Ok(()) => Ok(Candidate { number, path }),
            Err(error) => Err(remove_incomplete(&path, error)),
        }
    }

    /// Writes a draft that is only checked. It never becomes live, so it is not flushed to the
    /// disk.
    ///
    /// # Errors
    /// If a file cannot be written. The incomplete generation is then removed.
    pub fn draft(&self, tree: &impl RenderedTree) -> Result<Draft> {
        let live = self.live()?;
        self.discard_above(live)?;
        let number = live.map_or(1, |live| live.saturating_add(1));
        let path = self.generation(number);
        let before = live.map(|live| self.generation(live));
        match self.fill(&path, tree, before.as_deref()) {
            Ok(new) => Ok(Draft { number, path, new }),
            Err(error) => Err(remove_incomplete(&path, error)),
        }
    }

    /// Makes a candidate live.
    ///
    /// # Errors
    /// If the link cannot be replaced. The live generation is then unchanged.
    pub fn install(&self, candidate: &Candidate) -> Result<()> {
        self.point(LIVE, candidate.number)?;
        self.steps.done("live");
        Ok(())
    }

    /// Removes generations that are not live.
    ///
    /// # Errors
    /// If a file operation fails.
    pub fn discard(&self) -> Result<()> {
        self.discard_above(self.live()?)
    }

    /// Records that the programs have loaded the live generation, and removes the oldest
    /// generations.
    ///
    /// # Errors
    /// If a file operation fails.
    pub fn mark_loaded(&self) -> Result<()> {
        let Some(live) = self.live()? else {
            return Ok(());
        };
        if self.last_loaded()? != Some(live) {
            self.point(LOADED, live)?;
            self.steps.done("loaded");
        }
        self.prune(live)
    }

    /// Restores the generation that the programs last loaded without an error, and removes newer
    /// ones. Without such a generation, nothing is live afterwards.
    ///
    /// # Errors
    /// If a file operation fails.
    pub fn roll_back(&self) -> Result<Option<u64>> {
        let loaded = self.last_loaded()?;
        match loaded {
            Some(loaded) => self.point(LIVE, loaded)?,
            None => {
                let link = self.base.join(LIVE);
                remove(&link)?;
                sync(&self.base)?;
            }
        }
        self.steps.done("back");
        self.discard_above(loaded)?;
        Ok(loaded)
    }

    fn files_of(&self, number: Option<u64>) -> Result<Files> {
        match number {
            Some(number) => files_of(&self.generation(number)),
            None => Ok(Files::new()),
        }
    }

    fn generation(&self, number: u64) -> PathBuf {
        self.base.join(FOLDER).join(number.to_string())
    }

    /// The generation that a link points to; none if that generation does not exist.
    fn linked(&self, name: &str) -> Result<Option<u64>> {
        let link = self.base.join(name);
        let target = match fs::read_link(&link) {
            Ok(target) => target,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error(&link)(error)),
        };
        let number = target
            .strip_prefix(FOLDER)
            .ok()
            .and_then(|name| number_of(name.as_os_str()));
        Ok(number.filter(|number| self.generation(*number).is_dir()))
    }

    /// Moves a link atomically.
    fn point(&self, name: &str, number: u64) -> Result<()> {
        let (link, next) = (self.base.join(name), self.next(name));
        remove(&next)?;
        let target = Path::new(FOLDER).join(number.to_string());
        std::os::unix::fs::symlink(target, &next).map_err(io_error(&next))?;
        self.steps.done("a link");
        let moved = fs::rename(&next, &link).map_err(io_error(&link));
        if moved.is_err() {
            let _ = fs::remove_file(&next);
        }
        moved?;
        sync(&self.base)
    }

    fn next(&self, name: &str) -> PathBuf {
        self.base.join(format!("{name}.next"))
    }

    /// Removes what a killed process left behind.
    fn recover(&self) -> Result<()> {
        self.rename_old_link()?;
        for name in [LIVE, LOADED] {
            remove(&self.next(name))?;
            let link = self.base.join(name);
            let is_link = fs::symlink_metadata(&link).is_ok_and(|link| link.is_symlink());
            if is_link && self.linked(name)?.is_none() {
                remove(&link)?;
            }
        }
        self.discard_above(self.live()?)
    }

    /// Renames the link of an agent that called it `read`.
    fn rename_old_link(&self) -> Result<()> {
        let old = self.base.join(OLD_LOADED);
        remove(&self.next(OLD_LOADED))?;
        match fs::rename(&old, self.base.join(LOADED)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(&old)(error)),
            _ => Ok(()),
        }
    }

    /// Removes every generation with a higher number, and every entry that is not a number.
    fn discard_above(&self, number: Option<u64>) -> Result<()> {
        let folder = self.base.join(FOLDER);
        for entry in fs::read_dir(&folder).map_err(io_error(&folder))? {
            let entry = entry.map_err(io_error(&folder))?;
            let kept = number_of(&entry.file_name()).is_some_and(|found| Some(found) <= number);
            if !kept {
                remove(&entry.path())?;
                self.steps.done("a generation removed");
            }
        }
        Ok(())
    }

    /// Removes the oldest generations, but never one that could be restored.
    fn prune(&self, live: u64) -> Result<()> {
        let folder = self.base.join(FOLDER);
        let entries = fs::read_dir(&folder).map_err(io_error(&folder))?;
        let found: BTreeSet<u64> = entries
            .flatten()
            .filter_map(|entry| number_of(&entry.file_name()))
            .filter(|number| *number <= live)
            .collect();
        for number in found.into_iter().rev().skip(KEPT) {
            remove(&self.generation(number))?;
            self.steps.done("an old generation removed");
        }
        Ok(())
    }

    /// Writes every file of a tree. Returns the new paths, each directory before its content.
    fn fill(
        &self,
        root: &Path,
        tree: &impl RenderedTree,
        before: Option<&Path>,
    ) -> Result<BTreeSet<PathBuf>> {
        create_folder(root, PUBLIC_MODE)?;
        let mut new = BTreeSet::from([root.to_owned()]);
        for (path, bytes) in tree.entries() {
            let to = root.join(relative_path(path)?);
            let between = to.ancestors().skip(1).take_while(|part| *part != root);
            let mut folders: Vec<&Path> = between.collect();
            folders.reverse();
            for folder in folders {
                create_folder(folder, PUBLIC_MODE)?;
                new.insert(folder.to_owned());
            }
            let same = before.map(|before| before.join(path));
            let is_same = same.is_some_and(|same| link_same(&same, &to, bytes));
            if !is_same {
                write_file(&to, bytes)?;
                new.insert(to);
            }
            self.steps.done("a file");
        }
        Ok(new)
    }
}

/// Removes an incomplete generation and returns the original error. A failure to remove it is
/// repaired by the next run.
fn remove_incomplete(path: &Path, error: DiskError) -> DiskError {
    let _ = fs::remove_dir_all(path);
    error
}

/// Checks that a path stays within the tree.
fn relative_path(path: &str) -> Result<&Path> {
    let path = Path::new(path);
    let plain = |part| matches!(part, Component::Normal(_));
    if path.components().all(plain) && path.components().next().is_some() {
        Ok(path)
    } else {
        Err(io_error(path)(io::ErrorKind::InvalidInput.into()))
    }
}

fn number_of(name: &std::ffi::OsStr) -> Option<u64> {
    let name = name.to_str()?;
    let number: u64 = name.parse().ok()?;
    // Reject other spellings, such as 012.
    (number.to_string() == name).then_some(number)
}
