//! Generations of files on disk, of which one is live.
//!
//! ```text
//! generations/12/…     whole, and never changed once it is live
//! live -> generations/12     what the programs read
//! read -> generations/11     what they last read without complaint: where to go back to
//! state/  tls/               what outlives generations
//! ```
//!
//! A generation with a higher number than the live one is a candidate, or was given up: nobody
//! reads it. So one rename of a link makes it live, and a process that is killed leaves nothing
//! behind that the next one could mistake. Numbers, not times: a wrong clock harms nothing.
//!
//! All of this waits for the disk: never call it on the event loop. One process at a time uses a
//! folder, and holds the file `lock` in it.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Component, Path, PathBuf},
};

use edge::Tree;

use crate::{
    disk::{
        DiskError, Files, Result, allow, files_of, link_same, lock, make_folder, remove, sync,
        told, write_file,
    },
    steps::Steps,
};

/// How many generations are kept, the live one among them.
pub const KEPT: usize = 3;

const LIVE: &str = "live";
const READ: &str = "read";
const FOLDER: &str = "generations";
const FOLDER_MODE: u32 = 0o755;
const SECRET_MODE: u32 = 0o700;

/// The folder of an agent.
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

/// What is written to be checked, and never becomes live.
#[derive(Debug)]
pub struct Draft {
    number: u64,
    path: PathBuf,
    new: BTreeSet<PathBuf>,
}

impl Draft {
    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Candidate {
    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its number.
    pub fn number(&self) -> u64 {
        self.number
    }
}

impl Generations {
    /// Opens a folder, makes what it lacks, and removes what a killed process left behind.
    ///
    /// # Errors
    /// When another process has it, or the disk does not allow it.
    pub fn open(base: &Path, steps: Steps) -> Result<Self> {
        for folder in ["", FOLDER, "state", "state/nginx"] {
            make_folder(&base.join(folder), FOLDER_MODE)?;
            // Both programs read on with fewer rights than they start with, whoever made it.
            allow(&base.join(folder), FOLDER_MODE)?;
        }
        make_folder(&base.join("tls"), SECRET_MODE)?;
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
    /// When the link cannot be read.
    pub fn live(&self) -> Result<Option<u64>> {
        self.linked(LIVE)
    }

    /// The number of the generation that the programs last read without complaint.
    ///
    /// # Errors
    /// When the link cannot be read.
    pub fn read(&self) -> Result<Option<u64>> {
        self.linked(READ)
    }

    /// What is live, as it is on the disk now.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn files(&self) -> Result<Files> {
        match self.live()? {
            Some(number) => files_of(&self.generation(number)),
            None => Ok(Files::new()),
        }
    }

    /// Writes a candidate. What is the same in the live generation is the same file on disk.
    ///
    /// # Errors
    /// When it cannot be written as a whole; then nothing of it is left.
    pub fn write(&self, tree: &Tree) -> Result<Candidate> {
        let draft = self.draft(tree)?;
        let kept = draft.new.iter().rev().try_for_each(|path| {
            sync(path)?;
            self.steps.done("on disk");
            Ok(())
        });
        let Draft { number, path, .. } = draft;
        match kept.and_then(|()| sync(&self.base.join(FOLDER))) {
            Ok(()) => Ok(Candidate { number, path }),
            Err(error) => Err(given_up(&path, error)),
        }
    }

    /// Writes what is only to be checked. It never becomes live, so nothing waits for the disk.
    ///
    /// # Errors
    /// When it cannot be written as a whole; then nothing of it is left.
    pub fn draft(&self, tree: &Tree) -> Result<Draft> {
        let live = self.live()?;
        self.discard_above(live)?;
        let number = live.map_or(1, |live| live.saturating_add(1));
        let path = self.generation(number);
        let before = live.map(|live| self.generation(live));
        match self.fill(&path, tree, before.as_deref()) {
            Ok(new) => Ok(Draft { number, path, new }),
            Err(error) => Err(given_up(&path, error)),
        }
    }

    /// Makes a candidate live.
    ///
    /// # Errors
    /// When the link cannot be moved; then it is where it was.
    pub fn install(&self, candidate: &Candidate) -> Result<()> {
        self.point(LIVE, candidate.number)?;
        self.steps.done("live");
        Ok(())
    }

    /// Removes what was written and is not live.
    ///
    /// # Errors
    /// When the disk does not allow it.
    pub fn discard(&self) -> Result<()> {
        self.discard_above(self.live()?)
    }

    /// Remembers that the programs have read what is live, and removes the oldest generations.
    ///
    /// # Errors
    /// When the disk does not allow it.
    pub fn confirm(&self) -> Result<()> {
        let Some(live) = self.live()? else {
            return Ok(());
        };
        if self.read()? != Some(live) {
            self.point(READ, live)?;
            self.steps.done("confirmed");
        }
        self.prune(live)
    }

    /// Goes back to what the programs last read without complaint, and gives up what is newer.
    /// Without such a generation nothing is live afterwards.
    ///
    /// # Errors
    /// When the disk does not allow it.
    pub fn back(&self) -> Result<Option<u64>> {
        let read = self.read()?;
        match read {
            Some(read) => self.point(LIVE, read)?,
            None => {
                let link = self.base.join(LIVE);
                remove(&link)?;
                sync(&self.base)?;
            }
        }
        self.steps.done("back");
        self.discard_above(read)?;
        Ok(read)
    }

    fn generation(&self, number: u64) -> PathBuf {
        self.base.join(FOLDER).join(number.to_string())
    }

    /// Where a link leads: to a generation that is there, or it counts for nothing.
    fn linked(&self, name: &str) -> Result<Option<u64>> {
        let link = self.base.join(name);
        let target = match fs::read_link(&link) {
            Ok(target) => target,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(told(&link)(error)),
        };
        let number = target
            .strip_prefix(FOLDER)
            .ok()
            .and_then(|name| number_of(name.as_os_str()));
        Ok(number.filter(|number| self.generation(*number).is_dir()))
    }

    /// Moves a link in one step.
    fn point(&self, name: &str, number: u64) -> Result<()> {
        let (link, next) = (self.base.join(name), self.next(name));
        remove(&next)?;
        let target = Path::new(FOLDER).join(number.to_string());
        std::os::unix::fs::symlink(target, &next).map_err(told(&next))?;
        self.steps.done("a link");
        let moved = fs::rename(&next, &link).map_err(told(&link));
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
        for name in [LIVE, READ] {
            remove(&self.next(name))?;
            let link = self.base.join(name);
            let is_link = fs::symlink_metadata(&link).is_ok_and(|link| link.is_symlink());
            if is_link && self.linked(name)?.is_none() {
                remove(&link)?;
            }
        }
        self.discard_above(self.live()?)
    }

    /// Removes every generation with a higher number, and what has none.
    fn discard_above(&self, number: Option<u64>) -> Result<()> {
        let folder = self.base.join(FOLDER);
        for entry in fs::read_dir(&folder).map_err(told(&folder))? {
            let entry = entry.map_err(told(&folder))?;
            let kept = number_of(&entry.file_name()).is_some_and(|found| Some(found) <= number);
            if !kept {
                remove(&entry.path())?;
                self.steps.done("a generation removed");
            }
        }
        Ok(())
    }

    /// Removes the oldest, but never where to go back to.
    fn prune(&self, live: u64) -> Result<()> {
        let folder = self.base.join(FOLDER);
        let entries = fs::read_dir(&folder).map_err(told(&folder))?;
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

    /// Writes every file of a tree; what is new on the disk is told, a folder before what is in it.
    fn fill(&self, root: &Path, tree: &Tree, before: Option<&Path>) -> Result<BTreeSet<PathBuf>> {
        make_folder(root, FOLDER_MODE)?;
        let mut new = BTreeSet::from([root.to_owned()]);
        for (path, file) in tree.files() {
            let to = root.join(inner(path)?);
            let between = to.ancestors().skip(1).take_while(|part| *part != root);
            let mut folders: Vec<&Path> = between.collect();
            folders.reverse();
            for folder in folders {
                make_folder(folder, FOLDER_MODE)?;
                new.insert(folder.to_owned());
            }
            let same = before.map(|before| before.join(path));
            let is_same = same.is_some_and(|same| link_same(&same, &to, file.text.as_bytes()));
            if !is_same {
                write_file(&to, file.text.as_bytes())?;
                new.insert(to);
            }
            self.steps.done("a file");
        }
        Ok(new)
    }
}

/// Removes what could not be written as a whole, and returns why it could not. Whether that fails
/// too is seen the next time.
fn given_up(path: &Path, error: DiskError) -> DiskError {
    let _ = fs::remove_dir_all(path);
    error
}

/// A path that stays within the tree.
fn inner(path: &str) -> Result<&Path> {
    let path = Path::new(path);
    let plain = |part| matches!(part, Component::Normal(_));
    if path.components().all(plain) && path.components().next().is_some() {
        Ok(path)
    } else {
        Err(told(path)(io::ErrorKind::InvalidInput.into()))
    }
}

fn number_of(name: &std::ffi::OsStr) -> Option<u64> {
    let name = name.to_str()?;
    let number: u64 = name.parse().ok()?;
    // No second spelling, such as 012.
    (number.to_string() == name).then_some(number)
}
